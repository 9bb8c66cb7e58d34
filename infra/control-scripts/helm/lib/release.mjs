/**
 * Renders, installs, reads and uninstalls the release of a deployment. The release has the deployment's name. Called by
 * lifecycle.mjs, check and info.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../lib/arguments.mjs'
import { getOrCompute } from '../../lib/cache.mjs'
import { withPrivateFolder } from '../../lib/cache-dir.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { summarizeManifests } from '../../lib/kubernetes/manifest-summary.mjs'
import { buildValuesTree, formatValues } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { isNumberByDefault } from './chart-keys.mjs'
import { hostKeys, readChartSource } from './defaults.mjs'
import { fetchChart } from './fetch-chart.mjs'
import { helm, helmMajor } from './helm.mjs'

/** The time limit for hooks. The runner has a higher limit for the whole script. */
const hookTimeoutMinutes = 20
const installTimeoutMs = 25 * 60 * 1000
const summaryFreshMs = 10 * 60 * 1000
const summaryStaleMs = 24 * 60 * 60 * 1000

/**
 * The summary of the configured chart. It is cached, because check reads it every few seconds. `manifests`: the
 * rendered manifests, if the caller has them already. config_check runs first and fills the cache for info and check.
 */
export async function configuredSummary(request, manifests) {
  const chart = readChartSource(request.deployment)
  const { id } = await fetchChart(chart)
  const key = [id, request.name, request.namespace, [...configWithHost(request)]]
  const limits = { freshMs: summaryFreshMs, staleMs: summaryStaleMs }
  return getOrCompute('manifest-summaries', key, limits, async () => {
    const text = manifests ?? (await render(request))
    return summarizeManifests(await readDocuments(text, 'What the chart renders'), request.namespace)
  })
}

/** Renders the manifests as text, without hooks. The cluster's API versions are used. */
export async function render(request) {
  return withChartAndValues(request, (path, values) =>
    helm([
      ...['template', request.name, path, '-n', request.namespace, '-f', values],
      ...['--dry-run=server', '--no-hooks', '--skip-tests', '--include-crds'],
    ]),
  )
}

export async function upgradeRelease(request) {
  // Manual changes in the cluster must not block the configured release.
  const forceOptions = (await helmMajor()) >= 4 ? ['--server-side=true', '--force-conflicts'] : []
  return withChartAndValues(request, (path, values) =>
    retryAfterPendingRelease(request, () =>
      helm(
        [
          ...['upgrade', '--install', request.name, path, '-n', request.namespace, '-f', values],
          ...['--reset-values', `--timeout=${hookTimeoutMinutes}m`],
          ...forceOptions,
        ],
        { timeoutMs: installTimeoutMs },
      ),
    ),
  )
}

/** The installed manifests, as helm recorded them; null if nothing is installed. */
async function installedManifest({ name, namespace }) {
  try {
    return await helm(['get', 'manifest', name, '-n', namespace])
  } catch (error) {
    if (isNotFound(error)) return null
    throw error
  }
}

/** The summary of the installed manifests. It is cached, because archive_check reads it every few seconds. */
export async function installedSummary(request) {
  const text = await installedManifest(request)
  if (text === null) return null
  return getOrCompute(
    'manifest-summaries',
    ['installed', request.namespace, text],
    { freshMs: summaryStaleMs },
    async () =>
      summarizeManifests(await readDocuments(text, 'The manifest of the release'), request.namespace),
  )
}

/** → false if no release was installed */
export async function uninstallRelease(request) {
  try {
    await retryAfterPendingRelease(request, () =>
      helm(['uninstall', request.name, '-n', request.namespace, `--timeout=${hookTimeoutMinutes}m`], {
        timeoutMs: installTimeoutMs,
      }),
    )
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/** Calls `work` with the chart's path and a private values file, which is deleted afterwards. */
async function withChartAndValues(request, work) {
  const { path, id } = await fetchChart(readChartSource(request.deployment))
  const pairs = configWithHost(request)
  const tree = buildValuesTree(pairs, await isNumberByDefault(pairs, path, id))
  return withPrivateFolder(async (folder) => {
    const values = join(folder, 'values.yaml')
    writeFileSync(values, formatValues(tree), { mode: 0o600 })
    return await work(path, values)
  })
}

/** Sets the host of the deployment. It overrides the config, as in Octopod 1.6. */
function configWithHost(request) {
  const pairs = new Map(request.application)
  for (const key of hostKeys()) {
    pairs.delete(key)
    pairs.set(key, `${request.name}.${request['base-domain']}`)
  }
  return pairs
}

/**
 * A killed helm leaves a pending revision, and later helm commands fail because of it. Octopod runs only one action of
 * a deployment at a time, so no helm still works on a pending revision. Its record is deleted and the command runs
 * again.
 */
async function retryAfterPendingRelease({ name, namespace }, work) {
  try {
    return await work()
  } catch (error) {
    if (!/another operation \(install\/upgrade\/rollback\) is in progress/.test(error.message)) throw error
    console.log('An earlier helm was killed during its work; its pending revision is removed.')
    const selector = `owner=helm,name=${name},status in (pending-install,pending-upgrade,pending-rollback)`
    await kubectl([
      'delete',
      process.env.HELM_DRIVER?.startsWith('configmap') ? 'configmaps' : 'secrets',
      '-n',
      namespace,
      '-l',
      selector,
    ])
    return await work()
  }
}

const isNotFound = (error) =>
  error instanceof UserError && /release: not found|not found: release|Release not loaded/.test(error.message)
