/** The release of a deployment: rendered, installed, looked up, removed. It is named after the deployment. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal } from '../../lib/arguments.mjs'
import { remembered } from '../../lib/cache.mjs'
import { inPrivateFolder } from '../../lib/cache-dir.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { outlineOf } from '../../lib/kubernetes/manifest-summary.mjs'
import { treeOf, valuesText } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { isNumberByDefault } from './chart-keys.mjs'
import { chartOf, hostKeys } from './defaults.mjs'
import { bring } from './fetch-chart.mjs'
import { helm, helmMajor } from './helm.mjs'

/** Hooks may take this long; the runner has its own limit above. */
const hookMinutes = 20
const installMs = 25 * 60 * 1000
const outlineFreshMs = 10 * 60 * 1000
const outlineStaleMs = 24 * 60 * 60 * 1000

/**
 * What the configured chart consists of; kept, because check asks every few seconds. `rendered`: its manifests, by whom has
 * them already: config_check comes first, and info and check find its answer.
 */
export async function configuredOutline(request, rendered) {
  const chart = chartOf(request.deployment)
  const { id } = await bring(chart)
  const key = [id, request.name, request.namespace, [...pairsOf(request)]]
  const limits = { freshMs: outlineFreshMs, staleMs: outlineStaleMs }
  return remembered('outlines', key, limits, async () => {
    const text = rendered ?? (await render(request))
    return outlineOf(await readDocuments(text, 'What the chart renders'), request.namespace)
  })
}

/** The manifests as text, rendered with what the cluster can; hooks are left out. */
export async function render(request) {
  return withChart(request, (path, values) =>
    helm([
      ...['template', request.name, path, '-n', request.namespace, '-f', values],
      ...['--dry-run=server', '--no-hooks', '--skip-tests', '--include-crds'],
    ]),
  )
}

export async function install(request) {
  // Whatever was changed by hand in the cluster must not keep the configured release out.
  const force = (await helmMajor()) >= 4 ? ['--server-side=true', '--force-conflicts'] : []
  return withChart(request, (path, values) =>
    repeatedly(request, () =>
      helm(
        [
          ...['upgrade', '--install', request.name, path, '-n', request.namespace, '-f', values],
          ...['--reset-values', `--timeout=${hookMinutes}m`],
          ...force,
        ],
        { timeoutMs: installMs },
      ),
    ),
  )
}

/** What is installed now, as helm recorded it; null when nothing is. */
export async function installedManifest({ name, namespace }) {
  try {
    return await helm(['get', 'manifest', name, '-n', namespace])
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

/** The same manifest is read once: archive_check asks for it every few seconds. */
export async function installedOutline(request) {
  const text = await installedManifest(request)
  if (text === null) return null
  return remembered(
    'outlines',
    ['installed', request.namespace, text],
    { freshMs: outlineStaleMs },
    async () => outlineOf(await readDocuments(text, 'The manifest of the release'), request.namespace),
  )
}

/** → false when there was none. */
export async function uninstall(request) {
  try {
    await repeatedly(request, () =>
      helm(['uninstall', request.name, '-n', request.namespace, `--timeout=${hookMinutes}m`], {
        timeoutMs: installMs,
      }),
    )
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** The chart's path and a private file with the values, for as long as `work` takes. */
async function withChart(request, work) {
  const { path, id } = await bring(chartOf(request.deployment))
  const pairs = pairsOf(request)
  const tree = treeOf(pairs, await isNumberByDefault(pairs, path, id))
  return inPrivateFolder(async (folder) => {
    const values = join(folder, 'values.yaml')
    writeFileSync(values, valuesText(tree), { mode: 0o600 })
    return await work(path, values)
  })
}

/** The host is the deployment's own: it wins over the config, as in Octopod 1.6. */
function pairsOf(request) {
  const pairs = new Map(request.application)
  for (const key of hostKeys()) {
    pairs.delete(key)
    pairs.set(key, `${request.name}.${request['base-domain']}`)
  }
  return pairs
}

/**
 * A helm that was killed leaves its revision pending, and every later one refuses to work. Octopod runs one action of a
 * deployment at a time, so a pending revision has nobody: its record goes, its objects are taken over.
 */
async function repeatedly({ name, namespace }, work) {
  try {
    return await work()
  } catch (error) {
    if (!/another operation \(install\/upgrade\/rollback\) is in progress/.test(error.message)) throw error
    console.log('An earlier helm was ended before it was done: its unfinished record is removed.')
    const pending = `owner=helm,name=${name},status in (pending-install,pending-upgrade,pending-rollback)`
    await kubectl([
      'delete',
      process.env.HELM_DRIVER?.startsWith('configmap') ? 'configmaps' : 'secrets',
      '-n',
      namespace,
      '-l',
      pending,
    ])
    return await work()
  }
}

const isNotFound = (error) =>
  error instanceof Refusal && /release: not found|not found: release|Release not loaded/.test(error.message)
