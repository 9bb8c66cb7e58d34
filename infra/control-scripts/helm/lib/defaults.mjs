/** DEFAULTS and the deployment config: which chart is meant, from where, with whose credentials; what may be set. */
import { Refusal } from '../../lib/arguments.mjs'

const fields = ['chart_repo_url', 'chart_version', 'chart_name']
export const deploymentKeys = [
  'chart_name',
  'chart_repo_pass',
  'chart_repo_url',
  'chart_repo_user',
  'chart_version',
]

/** DEFAULTS as it is set, checked. @throws Refusal */
export function defaults() {
  const text = process.env.DEFAULTS
  if (!text) return { default_overrides: [] }
  let read
  try {
    read = JSON.parse(text)
  } catch (error) {
    throw new Refusal(`DEFAULTS is not JSON: ${error.message.split('\n')[0]}`)
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read))
    throw new Refusal('DEFAULTS is not a JSON object.')
  for (const field of fields)
    if (read[field] !== undefined && typeof read[field] !== 'string')
      throw new Refusal(`${field} in DEFAULTS is not a text.`)
  const pairs = read.default_overrides ?? []
  if (!Array.isArray(pairs) || !pairs.every((pair) => typeof pair === 'string' && pair.indexOf('=') > 0))
    throw new Refusal('default_overrides in DEFAULTS is not a list of texts like "key=value".')
  return { ...read, default_overrides: pairs }
}

export function deploymentDefaults() {
  const read = defaults()
  return fields.filter((field) => read[field] !== undefined).map((field) => [field, read[field]])
}

export function applicationDefaults() {
  return defaults().default_overrides.map((pair) => [
    pair.slice(0, pair.indexOf('=')),
    pair.slice(pair.indexOf('=') + 1),
  ])
}

/** → { kind: 'http' | 'oci' | 'file', url, name, version, user, pass }. @throws Refusal that names the key */
export function chartOf(deployment) {
  const url = (deployment.get('chart_repo_url') ?? '').trim().replace(/\/+$/, '')
  const name = (deployment.get('chart_name') ?? '').trim()
  const version = (deployment.get('chart_version') ?? '').trim()
  const kind = kindOf(url)
  if (!/^[\w][\w./-]*$/.test(name) || name.split('/').includes('..'))
    throw new Refusal(
      name === ''
        ? 'chart_name is not set.'
        : `chart_name ${JSON.stringify(name)} is not the name of a chart.`,
    )
  if (!/^[\w.+~^<>=*|, -]*$/.test(version) || version.startsWith('-'))
    throw new Refusal(`chart_version ${JSON.stringify(version)} is not a version.`)
  if (kind === 'file') staysBelow(url)
  return { kind, url, name, version, ...credentials(deployment, url) }
}

/** Whoever may edit a deployment is not to look around on this machine. */
function staysBelow(url) {
  const own = defaults().chart_repo_url
  const place = (address) => `${new URL(address).href.replace(/\/+$/, '')}/`
  if (own === undefined || (own.startsWith('file://') && place(url).startsWith(place(own)))) return
  throw new Refusal(
    `chart_repo_url ${JSON.stringify(url)} is a folder outside of chart_repo_url in DEFAULTS: no chart is taken from there.`,
  )
}

/** The keys under which charts expect the host; several are separated by commas. */
export function hostKeys() {
  const keys = process.env.INGRESS_HOST_KEY || 'ingress.hostname'
  return keys
    .split(/(?<!\\),/)
    .map((key) => key.trim())
    .filter(Boolean)
}

function kindOf(url) {
  if (url === '') throw new Refusal('chart_repo_url is not set.')
  const [, scheme] = /^([a-z]+):\/\/[^\s]+$/.exec(url) ?? []
  const kind = { http: 'http', https: 'http', oci: 'oci', file: 'file' }[scheme]
  if (kind === undefined || (kind !== 'file' && !URL.canParse(url)))
    throw new Refusal(
      `chart_repo_url ${JSON.stringify(url)} is not the address of a repository: it begins with https://, http://, oci:// or file://.`,
    )
  return kind
}

/** HELM_USER and HELM_PASS are for the host of the default repository: an address typed on the page must not get them. */
function credentials(deployment, url) {
  const user = deployment.get('chart_repo_user')
  const pass = deployment.get('chart_repo_pass')
  if (user || pass) return { user: user ?? '', pass: pass ?? '' }
  const own = defaults().chart_repo_url
  const isOwn = own === undefined || hostOf(own) === hostOf(url)
  return isOwn
    ? { user: process.env.HELM_USER ?? '', pass: process.env.HELM_PASS ?? '' }
    : { user: '', pass: '' }
}

const hostOf = (url) => (URL.canParse(url) ? new URL(url).protocol + new URL(url).host : url)
