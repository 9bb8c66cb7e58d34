/**
 * Fetches a chart from a repository, a registry (oci://) or a folder (file://). Charts of an exact version are cached
 * for a day, other charts and repository indexes for five minutes. Called by release.mjs and application_config_keys.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../../lib/arguments.mjs'
import { ageMs, cachePath, evictOldEntries, withFileLock } from '../../lib/cache.mjs'
import { withPrivateFolder } from '../../lib/cache-dir.mjs'
import { CommandError } from '../../lib/command.mjs'
import { fileStamps } from '../../lib/file-stamps.mjs'
import { maskSecrets } from '../../lib/secrets.mjs'
import { helm } from './helm.mjs'

const exactVersionFreshMs = 24 * 60 * 60 * 1000
const indexFreshMs = 5 * 60 * 1000
const repositoryName = 'r'

/** → { path, id }: `path` is for helm; `id` changes when the content of the chart changes. */
export async function fetchChart(chart) {
  if (chart.kind === 'file') return localChart(chart)
  const path = cachePath('charts', cacheKeyOf(chart, chart.name, chart.version), '.tgz')
  const freshMs = isExact(chart.version) ? exactVersionFreshMs : indexFreshMs
  if (ageMs(path) < freshMs) return cachedChart(path)
  return await withFileLock(path, async () => {
    if (ageMs(path) >= freshMs) await pullOrKeepCached(path, chart)
    return cachedChart(path)
  })
}

/** init: fetches the index of the repository. A registry has no index. */
export async function fetchIndex(chart) {
  if (chart.kind !== 'http') return
  await withPrivateFolder((folder) => updateIndex(folder, chart))
}

/** If the repository is unreachable, a cached chart that is less than a day old is used. */
async function pullOrKeepCached(path, chart) {
  try {
    await withPrivateFolder((folder) =>
      chart.kind === 'oci' ? pullOci(folder, path, chart) : pullHttp(folder, path, chart),
    )
  } catch (error) {
    if (ageMs(path) > exactVersionFreshMs) throw error
  }
}

async function pullHttp(folder, path, chart) {
  const index = join(indexFolder(chart), `${repositoryName}-index.yaml`)
  const initOnly = isInitOnly()
  if (initOnly && ageMs(index) === Number.POSITIVE_INFINITY)
    throw new UserError(
      `The repository ${chart.url} was not added by init, and HELM_ON_INIT_ONLY forbids other scripts to add it.`,
    )
  const isOld = !initOnly && ageMs(index) > indexFreshMs
  if (isOld) await updateIndex(folder, chart)
  const pull = () =>
    helm(['pull', `${repositoryName}/${chart.name}`, ...versionArguments(chart), '-d', folder], {
      env: repositoryEnvironment(folder, chart),
    })
  try {
    await pull()
  } catch (error) {
    // The version may be newer than the cached index.
    if (isOld || initOnly || !/not found/.test(error.message)) throw describeFailure(error, chart)
    await updateIndex(folder, chart)
    await pull().catch((retryError) => {
      throw describeFailure(retryError, chart)
    })
  }
  moveToCache(folder, path)
}

async function pullOci(folder, path, chart) {
  const { host } = new URL(chart.url.replace(/^oci:/, 'http:'))
  const config = join(folder, 'registry.json')
  const auth = Buffer.from(`${chart.user}:${chart.pass}`).toString('base64')
  const auths = chart.user || chart.pass ? { [host]: { auth } } : {}
  writeFileSync(config, JSON.stringify({ auths }), { mode: 0o600 })
  const plain = /^(1|true)$/i.test(process.env.HELM_PLAIN_HTTP ?? '') ? ['--plain-http'] : []
  const env = { HELM_REGISTRY_CONFIG: config, DOCKER_CONFIG: folder }
  try {
    await helm(['pull', `${chart.url}/${chart.name}`, ...versionArguments(chart), ...plain, '-d', folder], {
      env,
    })
  } catch (error) {
    throw describeFailure(error, chart)
  }
  moveToCache(folder, path)
}

/** One script fetches the index while the others wait. */
function updateIndex(folder, chart) {
  const index = join(indexFolder(chart), `${repositoryName}-index.yaml`)
  const ageBeforeMs = ageMs(index)
  return withFileLock(index, async () => {
    if (ageMs(index) < ageBeforeMs) return
    const env = repositoryEnvironment(folder, chart)
    try {
      await helm(['repo', 'update', repositoryName], { env })
    } catch (error) {
      throw describeFailure(error, chart)
    }
  })
}

/** Credentials are in a private file while helm runs, never in its arguments. */
function repositoryEnvironment(folder, chart) {
  const config = join(folder, 'repositories.json')
  const entry = { name: repositoryName, url: chart.url, username: chart.user, password: chart.pass }
  writeFileSync(config, JSON.stringify({ apiVersion: '', repositories: [entry] }), { mode: 0o600 })
  return { HELM_REPOSITORY_CONFIG: config, HELM_REPOSITORY_CACHE: indexFolder(chart) }
}

function indexFolder(chart) {
  const folder = cachePath('repositories', cacheKeyOf(chart), '')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** Credentials are part of the key, so a user never gets a chart that was fetched with another credential. */
const cacheKeyOf = (chart, ...more) => [chart.url, chart.user, chart.pass, ...more]

function moveToCache(folder, path) {
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (archive === undefined) throw new UserError('helm has not downloaded a chart.')
  chmodSync(join(folder, archive), 0o600)
  renameSync(join(folder, archive), path)
  evictOldEntries(join(path, '..'))
}

function localChart(chart) {
  const path = join(fileURLToPath(chart.url), chart.name)
  if (!existsSync(path) || (statSync(path).isDirectory() && !existsSync(join(path, 'Chart.yaml'))))
    throw new UserError(`There is no chart at ${path}.`)
  return { path, id: JSON.stringify(fileStamps(path)) }
}

function cachedChart(path) {
  return { path, id: createHash('sha256').update(readFileSync(path)).digest('hex') }
}

const isExact = (version) => /^v?\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/.test(version)
const versionArguments = ({ version }) => (version === '' ? [] : [`--version=${version}`])
export const isInitOnly = () => /^(1|true)$/i.test(process.env.HELM_ON_INIT_ONLY ?? '')

/** helm's errors about a repository have many lines, and the last one is not always the reason. */
function describeFailure(error, chart) {
  if (!(error instanceof CommandError)) return error
  const lines = `${maskSecrets(error.stdout)}\n${error.stderr}`
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  const reason = lines.findLast((line) => reasonPattern.test(line)) ?? lines.at(-1) ?? 'helm gives no reason.'
  const version = chart.version === '' ? '' : ` ${chart.version}`
  const message = reason.replace(/^Error: /, '')
  return new UserError(`Cannot fetch the chart ${chart.name}${version} from ${chart.url}: ${message}`)
}

const reasonPattern =
  /failed to fetch|unauthori[sz]ed|denied|\b[45]\d\d\b|no such host|refused|time-?out|x509|tls:|not found|invalid/i
