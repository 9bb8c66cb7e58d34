/**
 * Renders, installs, reads and uninstalls the release of a deployment. The release has the deployment's name. Called by
 * lifecycle.mjs, check and info.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../lib/arguments.mjs'
import { getOrCompute } from '../../lib/cache.mjs'
import { withPrivateFolder } from '../../lib/cache-dir.mjs'
import { stopHooks } from '../../lib/kubernetes/archive.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { hookReferences, summarizeManifests } from '../../lib/kubernetes/manifest-summary.mjs'
import { buildValuesTree, formatValues } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { typesByDefault } from './chart-keys.mjs'
import { chartCrds, clusterResources, installMissingCrds } from './crds.mjs'
import { hostKeys, readChartSource } from './defaults.mjs'
import { fetchChart } from './fetch-chart.mjs'
import { helm, helmMajor } from './helm.mjs'
import { chartValuesFiles, helmFlags, valuesArguments } from './helm-options.mjs'

/** The time limit for hooks, unless helm_flags sets another. The runner has a higher limit for the whole script. */
const defaultHookTimeout = '20m'
const installTimeoutMs = 25 * 60 * 1000
const summaryFreshMs = 10 * 60 * 1000
const clusterFreshMs = 10 * 60 * 1000
const summaryStaleMs = 24 * 60 * 60 * 1000

/**
 * The summary of the configured chart. It is cached, because check reads it every few seconds. `manifests`: the
 * rendered manifests, if the caller has them already. config_check runs first and fills the cache for info and check.
 */
export async function configuredSummary(request, manifests) {
  const { id } = await fetchChart(readChartSource(request.deployment))
  const options = [helmFlags(request.deployment).render, chartValuesFiles(request.deployment)]
  const key = [id, request.name, request.namespace, [...configWithHost(request)], options]
  const limits = { freshMs: summaryFreshMs, staleMs: summaryStaleMs }
  return getOrCompute('manifest-summaries', key, limits, async () => {
    const text = manifests ?? (await render(request))
    return summarizeManifests(await readDocuments(text, 'What the chart renders'), request.namespace)
  })
}

/** Renders the manifests as text, without hooks and the folder crds. The cluster's API versions are used. */
export async function render(request) {
  const major = await helmMajor()
  return withChartAndValues(request, async (chart, values) => {
    const args = [
      ...['template', request.name, chart.path, '-n', request.namespace, ...values],
      ...['--no-hooks', '--skip-tests', ...helmFlags(request.deployment).render],
    ]
    try {
      return await helm([...args, '--dry-run=server'])
    } catch (error) {
      // Helm 4 looks every kind up in the cluster, which has those of the chart only after the first installation.
      if (major < 4 || !/no matches for kind/.test(error.message)) throw error
      return await helm([...args, '--dry-run=client', ...(await clusterArguments(chart))])
    }
  })
}

/** What helm would learn from the cluster: its version and its kinds, and those of the chart. */
async function clusterArguments(chart) {
  const [version, kinds] = await getOrCompute(
    'cluster',
    [process.env.KUBECONFIG ?? '', process.env.KUBERNETES_SERVICE_HOST ?? ''],
    { freshMs: clusterFreshMs },
    async () => {
      const { serverVersion } = JSON.parse(await kubectl(['version', '-o', 'json']))
      return [serverVersion.gitVersion, await clusterResources()]
    },
  )
  const own = (await chartCrds(chart)).flatMap(({ group, kind, versions }) =>
    versions.map((version) => ({ group, version, kind })),
  )
  const names = [...kinds, ...own].flatMap(({ group, version, kind }) => {
    const apiVersion = group === '' ? version : `${group}/${version}`
    return [apiVersion, `${apiVersion}/${kind}`]
  })
  return [`--kube-version=${version}`, `--api-versions=${[...new Set(names)].join(',')}`]
}

export async function upgradeRelease(request) {
  // Manual changes in the cluster must not block the configured release.
  const forceOptions = (await helmMajor()) >= 4 ? ['--server-side=true', '--force-conflicts'] : []
  return withChartAndValues(request, async (chart, values) => {
    await installMissingCrds(chart)
    return await retryAfterPendingRelease(request, () =>
      helm(
        [
          ...['upgrade', '--install', request.name, chart.path, '-n', request.namespace, ...values],
          ...['--reset-values', '--skip-crds', `--timeout=${defaultHookTimeout}`],
          ...forceOptions,
          ...helmFlags(request.deployment).all,
        ],
        { timeoutMs: installTimeoutMs },
      ),
    )
  })
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

/** The hooks of the newest revision. Helm removes them only when they have ended. */
async function installedHooks({ name, namespace }) {
  try {
    return await helm(['get', 'hooks', name, '-n', namespace])
  } catch (error) {
    if (isNotFound(error)) return ''
    throw error
  }
}

/** The summary of the installed manifests. It is cached, because archive_check reads it every few seconds. */
export async function installedSummary(request) {
  const [text, hooks] = await Promise.all([installedManifest(request), installedHooks(request)])
  if (text === null) return null
  return getOrCompute(
    'manifest-summaries',
    ['installed', request.namespace, text, hooks],
    { freshMs: summaryStaleMs },
    async () => ({
      ...summarizeManifests(await readDocuments(text, 'The manifest of the release'), request.namespace),
      hooks: hookReferences(await readDocuments(hooks, 'The hooks of the release'), request.namespace),
    }),
  )
}

/** The objects of the installed manifests that `references` name, with the marks by which helm knows its objects. */
export async function installedObjects(request, references) {
  const { name, namespace } = request
  const documents = await readDocuments(
    (await installedManifest(request)) ?? '',
    'The manifest of the release',
  )
  return documents
    .filter(({ kind, metadata }) =>
      references.some((reference) => reference.kind === kind && reference.name === metadata?.name),
    )
    .map((document) => {
      const annotations = { 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': namespace }
      const labels = { ...document.metadata.labels, 'app.kubernetes.io/managed-by': 'Helm' }
      const metadata = {
        ...document.metadata,
        labels,
        annotations: { ...document.metadata.annotations, ...annotations },
      }
      return { ...document, metadata }
    })
}

/** A hook that fails or does not end must not keep a release for ever: then helm runs again without hooks. → false if
 * no release was installed */
export async function uninstallRelease(request) {
  const { timeout = defaultHookTimeout } = readFlags(request)
  const uninstall = (...options) =>
    retryAfterPendingRelease(request, () =>
      helm(['uninstall', request.name, '-n', request.namespace, `--timeout=${timeout}`, ...options], {
        timeoutMs: installTimeoutMs,
      }),
    )
  try {
    await uninstall()
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    if (!isHookFailure(error)) throw error
    console.log(
      `${error.message}\nA hook of the chart failed or did not end in ${timeout}. The release is removed without hooks.`,
    )
    await stopHooks(await installedSummary(request))
    await uninstall('--no-hooks')
    return true
  }
}

/** Flags that are no longer allowed must not prevent the removal. */
function readFlags(request) {
  try {
    return helmFlags(request.deployment)
  } catch {
    return {}
  }
}

/** Calls `work` with the chart and `-f` arguments for private values files, which are deleted afterwards. */
async function withChartAndValues(request, work) {
  const chart = await fetchChart(readChartSource(request.deployment))
  const pairs = configWithHost(request)
  const types = await typesByDefault(pairs, chart.path, chart.id, chartValuesFiles(request.deployment))
  const tree = buildValuesTree(pairs, types)
  return withPrivateFolder(async (folder) => {
    const values = join(folder, 'values.yaml')
    writeFileSync(values, formatValues(tree), { mode: 0o600 })
    return await work(chart, [
      ...(await valuesArguments(request.deployment, chart.path, folder)),
      '-f',
      values,
    ])
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

/** helm's texts about hooks differ between its versions, and not all name the hook. */
const isHookFailure = (error) =>
  error instanceof UserError &&
  /(?:pre|post)-delete|hooks? .*failed|timed out|took longer|deadline exceeded|not ready|BackoffLimit/i.test(
    error.message,
  )
const isNotFound = (error) =>
  error instanceof UserError && /release: not found|not found: release|Release not loaded/.test(error.message)
