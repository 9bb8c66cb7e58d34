/**
 * Brings a chart onto this machine: from a repository, a registry (oci://) or a folder (file://). What was brought is kept:
 * a chart of one exact version for a day, any other and the index of a repository for some minutes.
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
import { Refusal } from '../../lib/arguments.mjs'
import { ageOf, alone, cacheFile, makeRoom } from '../../lib/cache.mjs'
import { inPrivateFolder } from '../../lib/cache-dir.mjs'
import { CommandFailure } from '../../lib/command.mjs'
import { masked } from '../../lib/secrets.mjs'
import { helm } from './helm.mjs'

const exactMs = 24 * 60 * 60 * 1000
const indexMs = 5 * 60 * 1000
const repository = 'r'

/** → { path, id }: the chart for helm, and a text that changes when its content does. */
export async function bring(chart) {
  if (chart.kind === 'file') return local(chart)
  const path = cacheFile('charts', identityOf(chart, chart.name, chart.version), '.tgz')
  const freshMs = isExact(chart.version) ? exactMs : indexMs
  if (ageOf(path) < freshMs) return known(path)
  return await alone(path, async () => {
    if (ageOf(path) >= freshMs) await pullOr(path, chart)
    return known(path)
  })
}

/** init: adds the repository and reads its index; a registry has none. */
export async function readIndex(chart) {
  if (chart.kind !== 'http') return
  await inPrivateFolder((folder) => update(folder, chart))
}

/** A repository that is away does not take along what is here already. */
async function pullOr(path, chart) {
  try {
    await inPrivateFolder((folder) =>
      chart.kind === 'oci' ? pullOci(folder, path, chart) : pullHttp(folder, path, chart),
    )
  } catch (error) {
    if (ageOf(path) > exactMs) throw error
  }
}

async function pullHttp(folder, path, chart) {
  const index = join(indexFolder(chart), `${repository}-index.yaml`)
  const once = isOnInitOnly()
  if (once && ageOf(index) === Number.POSITIVE_INFINITY)
    throw new Refusal(
      `The repository ${chart.url} was not added by init, and HELM_ON_INIT_ONLY allows nobody else to.`,
    )
  const isOld = !once && ageOf(index) > indexMs
  if (isOld) await update(folder, chart)
  const pull = () =>
    helm(['pull', `${repository}/${chart.name}`, ...versionOf(chart), '-d', folder], {
      env: repositoryEnvironment(folder, chart),
    })
  try {
    await pull()
  } catch (error) {
    // A version that came out after the index was read.
    if (isOld || once || !/not found/.test(error.message)) throw sentence(error, chart)
    await update(folder, chart)
    await pull().catch((again) => {
      throw sentence(again, chart)
    })
  }
  keep(folder, path)
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
    await helm(['pull', `${chart.url}/${chart.name}`, ...versionOf(chart), ...plain, '-d', folder], { env })
  } catch (error) {
    throw sentence(error, chart)
  }
  keep(folder, path)
}

/** One script reads the index while the others wait for it. */
function update(folder, chart) {
  const index = join(indexFolder(chart), `${repository}-index.yaml`)
  const seenMs = ageOf(index)
  return alone(index, async () => {
    if (ageOf(index) < seenMs) return
    const env = repositoryEnvironment(folder, chart)
    try {
      await helm(['repo', 'update', repository], { env })
    } catch (error) {
      throw sentence(error, chart)
    }
  })
}

/** Credentials stand in a private file for as long as helm runs, never in its arguments. */
function repositoryEnvironment(folder, chart) {
  const config = join(folder, 'repositories.json')
  const entry = { name: repository, url: chart.url, username: chart.user, password: chart.pass }
  writeFileSync(config, JSON.stringify({ apiVersion: '', repositories: [entry] }), { mode: 0o600 })
  return { HELM_REPOSITORY_CONFIG: config, HELM_REPOSITORY_CACHE: indexFolder(chart) }
}

function indexFolder(chart) {
  const folder = cacheFile('repositories', identityOf(chart), '')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** Credentials are part of it: what one may read is not given to another. */
const identityOf = (chart, ...more) => [chart.url, chart.user, chart.pass, ...more]

function keep(folder, path) {
  const pulled = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (pulled === undefined) throw new Refusal('helm brought no chart.')
  chmodSync(join(folder, pulled), 0o600)
  renameSync(join(folder, pulled), path)
  makeRoom(join(path, '..'))
}

function local(chart) {
  const path = join(fileURLToPath(chart.url), chart.name)
  if (!existsSync(path) || (statSync(path).isDirectory() && !existsSync(join(path, 'Chart.yaml'))))
    throw new Refusal(`There is no chart at ${path}.`)
  return { path, id: JSON.stringify(stamps(path)) }
}

/** Names, sizes and times of all files below: a chart being worked on is never served stale. */
function stamps(path) {
  const { size, mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return [[path, size, mtimeMs]]
  return readdirSync(path).flatMap((name) => stamps(join(path, name)))
}

function known(path) {
  return { path, id: createHash('sha256').update(readFileSync(path)).digest('hex') }
}

const isExact = (version) => /^v?\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/.test(version)
const versionOf = ({ version }) => (version === '' ? [] : [`--version=${version}`])
export const isOnInitOnly = () => /^(1|true)$/i.test(process.env.HELM_ON_INIT_ONLY ?? '')

/** What helm says about a repository is long, and its last line is not always the reason. */
function sentence(error, chart) {
  if (!(error instanceof CommandFailure)) return error
  const lines = `${masked(error.stdout)}\n${error.stderr}`
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  const said = lines.findLast((line) => reason.test(line)) ?? lines.at(-1) ?? 'helm does not say why.'
  const version = chart.version === '' ? '' : ` ${chart.version}`
  const words = said.replace(/^Error: /, '')
  return new Refusal(`The chart ${chart.name}${version} could not be had from ${chart.url}: ${words}`)
}

const reason =
  /failed to fetch|unauthori[sz]ed|denied|\b[45]\d\d\b|no such host|refused|time-?out|x509|tls:|not found|invalid/i
