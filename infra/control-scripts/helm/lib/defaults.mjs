/**
 * Reads DEFAULTS and the deployment config: the chart, its repository and the credentials. Called by most helm scripts.
 */
import { UserError } from '../../lib/arguments.mjs'

const fields = ['chart_repo_url', 'chart_version', 'chart_name']
/** Lists of texts in DEFAULTS. helm-options.mjs reads those about helm. */
const lists = ['allowed_chart_repos', 'values_files', 'helm_flags', 'allowed_helm_flags']
const chartKeyNames = ['chart_name', 'chart_repo_pass', 'chart_repo_url', 'chart_repo_user', 'chart_version']

/** The keys of the deployment config; those about helm only where DEFAULTS allows them. */
export function deploymentKeys() {
  const { allowed_helm_flags, values_files } = readDefaults()
  return [
    ...chartKeyNames,
    ...(allowed_helm_flags.length > 0 ? ['helm_flags'] : []),
    ...(values_files.length > 0 ? ['values_file'] : []),
  ]
}

/** Reads and validates DEFAULTS. @throws UserError */
export function readDefaults() {
  const text = process.env.DEFAULTS
  const emptyLists = Object.fromEntries(lists.map((name) => [name, []]))
  if (!text) return { default_overrides: [], ...emptyLists }
  let parsed
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new UserError(`DEFAULTS is not JSON: ${error.message.split('\n')[0]}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UserError('DEFAULTS is not a JSON object.')
  for (const field of fields)
    if (parsed[field] !== undefined && typeof parsed[field] !== 'string')
      throw new UserError(`${field} in DEFAULTS is not a text.`)
  for (const name of lists)
    if (!isListOfTexts(parsed[name] ?? [])) throw new UserError(`${name} in DEFAULTS is not a list of texts.`)
  const pairs = parsed.default_overrides ?? []
  if (!Array.isArray(pairs) || !pairs.every((pair) => typeof pair === 'string' && pair.indexOf('=') > 0))
    throw new UserError('default_overrides in DEFAULTS is not a list of texts like "key=value".')
  return { ...emptyLists, ...parsed, default_overrides: pairs }
}

const isListOfTexts = (value) => Array.isArray(value) && value.every((text) => typeof text === 'string')

export function deploymentDefaults() {
  const values = readDefaults()
  return fields.filter((field) => values[field] !== undefined).map((field) => [field, values[field]])
}

export function applicationDefaults() {
  return readDefaults().default_overrides.map((pair) => [
    pair.slice(0, pair.indexOf('=')),
    pair.slice(pair.indexOf('=') + 1),
  ])
}

/** → { kind: 'http' | 'oci' | 'file', url, name, version, user, pass }. @throws UserError that names the key */
export function readChartSource(deployment) {
  const url = (deployment.get('chart_repo_url') ?? '').trim().replace(/\/+$/, '')
  const name = (deployment.get('chart_name') ?? '').trim()
  const version = (deployment.get('chart_version') ?? '').trim()
  const kind = sourceKind(url)
  if (!/^[\w][\w./-]*$/.test(name) || name.split('/').includes('..'))
    throw new UserError(
      name === ''
        ? 'chart_name is not set.'
        : `chart_name ${JSON.stringify(name)} is not the name of a chart.`,
    )
  if (!/^[\w.+~^<>=*|, -]*$/.test(version) || version.startsWith('-'))
    throw new UserError(`chart_version ${JSON.stringify(version)} is not a version.`)
  requireAllowedRepository(url)
  if (kind === 'oci' && url.slice('oci://'.length).split('/')[0].includes('@'))
    throw new UserError(
      'chart_repo_url contains a password: set chart_repo_user and chart_repo_pass instead.',
    )
  return { kind, url, name, version, ...credentials(deployment, url) }
}

/**
 * People who can edit a deployment must not install any chart with the permissions of the runner, nor read folders of
 * this machine. An address is allowed if it is that of DEFAULTS or below it, or below one of `allowed_chart_repos`.
 */
function requireAllowedRepository(url) {
  const { chart_repo_url, allowed_chart_repos } = readDefaults()
  const allowed = [...(chart_repo_url === undefined ? [] : [chart_repo_url]), ...allowed_chart_repos]
  if (allowed.some((address) => isBelow(url, address))) return
  throw new UserError(
    `chart_repo_url: ${JSON.stringify(url)} is not allowed. It must be chart_repo_url of DEFAULTS or below it, or below one of allowed_chart_repos there.`,
  )
}

/** `*` allows every repository, but no folder of this machine. */
function isBelow(url, address) {
  if (address === '*') return !url.startsWith('file:')
  if (!URL.canParse(address)) return false
  const [inner, outer] = [new URL(url), new URL(address)]
  const folderOf = ({ pathname }) => `${decodeURIComponent(pathname).replace(/\/+$/, '')}/`
  return (
    inner.protocol === outer.protocol &&
    inner.host === outer.host &&
    folderOf(inner).startsWith(folderOf(outer)) &&
    !folderOf(inner).split('/').includes('..')
  )
}

/** The chart's keys for the host, from INGRESS_HOST_KEY; several are separated by commas. */
export function hostKeys() {
  const keys = process.env.INGRESS_HOST_KEY || 'ingress.hostname'
  return keys
    .split(/(?<!\\),/)
    .map((key) => key.trim())
    .filter(Boolean)
}

function sourceKind(url) {
  if (url === '') throw new UserError('chart_repo_url is not set.')
  const [, scheme] = /^([a-z]+):\/\/[^\s]+$/.exec(url) ?? []
  const kind = { http: 'http', https: 'http', oci: 'oci', file: 'file' }[scheme]
  if (kind === undefined || (kind !== 'file' && !URL.canParse(url)))
    throw new UserError(
      `chart_repo_url ${JSON.stringify(url)} is not the address of a repository: it must begin with https://, http://, oci:// or file://.`,
    )
  return kind
}

/**
 * HELM_USER and HELM_PASS are only for the host of the default repository. An address that a user enters must not get
 * them.
 */
function credentials(deployment, url) {
  const user = deployment.get('chart_repo_user')
  const pass = deployment.get('chart_repo_pass')
  if (user || pass) return { user: user ?? '', pass: pass ?? '' }
  const defaultUrl = readDefaults().chart_repo_url
  const isDefaultHost = defaultUrl !== undefined && hostOf(defaultUrl) === hostOf(url)
  return isDefaultHost
    ? { user: process.env.HELM_USER ?? '', pass: process.env.HELM_PASS ?? '' }
    : { user: '', pass: '' }
}

const hostOf = (url) => (URL.canParse(url) ? new URL(url).protocol + new URL(url).host : url)
