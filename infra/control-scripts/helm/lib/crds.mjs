/**
 * The custom resource definitions that a chart brings in its folder crds. Helm installs them only with the first
 * release and needs permissions for them even if they exist, so the scripts install those that are missing. Called by
 * release.mjs and config-problems.mjs.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../lib/arguments.mjs'
import { getOrCompute } from '../../lib/cache.mjs'
import { CommandError } from '../../lib/command.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { readCrds } from './chart-files.mjs'

const freshMs = 24 * 60 * 60 * 1000
const servedTimeoutMs = 60_000
const pollMs = 500

/** → [{ name, kind, group, versions }] of the chart's definitions. `id` changes when the chart changes. */
export function chartCrds({ path, id }) {
  return getOrCompute('crds', id, { freshMs }, async () =>
    (await readCrds(path)).map(({ metadata, spec }) => ({
      name: metadata.name,
      kind: spec?.names?.kind,
      group: spec?.group,
      versions: (spec?.versions ?? []).map(({ name }) => name),
    })),
  )
}

/** The definitions that the cluster does not have yet. */
export async function missingCrds(chart) {
  const crds = await chartCrds(chart)
  if (crds.length === 0) return []
  const served = new Set((await clusterResources()).map(({ group, kind }) => `${group} ${kind}`))
  return crds.filter(({ group, kind }) => !served.has(`${group} ${kind}`))
}

/** Installs the missing definitions and waits until the cluster serves them. */
export async function installMissingCrds(chart) {
  const missing = await missingCrds(chart)
  if (missing.length === 0) return
  const names = new Set(missing.map(({ name }) => name))
  const documents = (await readCrds(chart.path)).filter(({ metadata }) => names.has(metadata.name))
  try {
    await kubectl(['create', '-f', '-'], {
      input: documents.map((each) => JSON.stringify(each)).join('\n---\n'),
    })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    const failures = error.stderr.split('\n').filter((line) => /^Error|^error/.test(line))
    if (failures.some((line) => !/\(AlreadyExists\)/.test(line)))
      throw new UserError(`${missingMessage(missing)} It could not be installed: ${failures[0]}`)
  }
  for (const { name } of missing) console.log(`CustomResourceDefinition ${name} is installed.`)
  const endsAtMs = Date.now() + servedTimeoutMs
  while ((await missingCrds(chart)).length > 0) {
    if (Date.now() > endsAtMs)
      throw new UserError(`The cluster does not serve ${missing.map(({ kind }) => kind).join(', ')} yet.`)
    await sleep(pollMs)
  }
}

/** The sentence for config_check if definitions are missing that this account may not install; else null. */
export async function missingCrdProblem(chart) {
  const missing = await missingCrds(chart)
  if (missing.length === 0) return null
  const args = ['auth', 'can-i', 'create', 'customresourcedefinitions.apiextensions.k8s.io']
  const isAllowed = await kubectl(args).then(
    () => true,
    () => false,
  )
  return isAllowed
    ? null
    : `${missingMessage(missing)} This account may not install it: apply the folder crds of the chart once by hand.`
}

/** → [{ group, version, kind }] of everything that the cluster serves */
export async function clusterResources() {
  // If one extension of the API server is down, kubectl fails, but prints everything else.
  const output = await kubectl(['api-resources', '--no-headers']).catch((error) => {
    if (error instanceof CommandError && error.stdout !== '') return error.stdout
    throw error
  })
  return output
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns.length >= 4)
    .map((columns) => {
      const [apiVersion, , kind] = columns.slice(-3)
      const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
      return { group, version, kind }
    })
}

function missingMessage(missing) {
  const kinds = missing.map(({ kind }) => kind).join(', ')
  return `The cluster does not have the kind ${kinds}, which the chart brings in its folder crds.`
}
