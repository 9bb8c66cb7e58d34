/**
 * Finds the links of a deployment in its Ingresses and Gateway API routes, with https where TLS ends for the host.
 * Called by the info scripts and by manifest-summary.mjs.
 */
import { getObjects } from './kubectl.mjs'

const ingressGroups = ['networking.k8s.io', 'extensions']
const routeKinds = ['HTTPRoute', 'GRPCRoute']
const gatewayGroup = 'gateway.networking.k8s.io'
const tlsProtocols = ['HTTPS', 'TLS']

/**
 * → [{ name, host, path, tls }]. If an external gateway decides about TLS, the link has `gateways` instead of `tls`.
 */
export function findLinks(objects) {
  const gateways = objects.filter(
    ({ kind, apiVersion }) => kind === 'Gateway' && inGroup(apiVersion, gatewayGroup),
  )
  return objects.flatMap((object) => {
    if (object.kind === 'Ingress' && ingressGroups.some((group) => inGroup(object.apiVersion, group)))
      return ingressLinks(object)
    if (routeKinds.includes(object.kind) && inGroup(object.apiVersion, gatewayGroup))
      return routeLinks(object, gateways)
    return []
  })
}

/** Rows for the info script: name and URL. Reads only gateways from the cluster that are not part of the deployment. */
export async function linkRows(links, namespace) {
  const references = links.flatMap(({ gateways = [] }) => gateways)
  const names = new Map(references.map((ref) => [`${ref.namespace ?? namespace}/${ref.name}`, ref]))
  const gatewaysByName = names.size === 0 ? new Map() : await getGateways([...names.keys()])
  const rows = links.map(({ name, host, path, tls, gateways = [] }) => {
    const secure =
      tls ??
      gateways.some((ref) =>
        terminatesTls(gatewaysByName.get(`${ref.namespace ?? namespace}/${ref.name}`), ref, host),
      )
    return [name, `${secure ? 'https' : 'http'}://${host}${path}`]
  })
  return [...new Map(rows.map((row) => [row.join('\n'), row])).values()]
}

function ingressLinks({ metadata, spec }) {
  const tls = spec?.tls ?? []
  const secure = (host) =>
    tls.some(({ hosts }) => !hosts?.length || hosts.some((pattern) => matchesHost(pattern, host)))
  const hosts = Map.groupBy(
    (spec?.rules ?? []).filter(({ host }) => isHost(host)),
    ({ host }) => host,
  )
  return [...hosts].map(([host, rules]) => {
    const paths = rules.flatMap(({ http }) => (http?.paths ?? []).map(({ path }) => path ?? '/'))
    return { name: metadata.name, host, path: singlePath(paths), tls: secure(host) }
  })
}

function routeLinks({ metadata, spec }, gateways) {
  const references = (spec?.parentRefs ?? []).filter(({ kind = 'Gateway' }) => kind === 'Gateway')
  const ownGateways = new Map(gateways.map((gateway) => [gateway.metadata.name, gateway]))
  const paths = (spec?.rules ?? []).flatMap(({ matches }) =>
    (matches ?? []).map(({ path }) => path?.value ?? '/'),
  )
  return (spec?.hostnames ?? []).filter(isHost).map((host) => {
    const link = { name: metadata.name, host, path: singlePath(paths) }
    if (references.some((ref) => terminatesTls(ownGateways.get(ref.name), ref, host)))
      return { ...link, tls: true }
    const others = references.filter((ref) => !ownGateways.has(ref.name))
    return others.length > 0
      ? {
          ...link,
          gateways: others.map(({ name, namespace, sectionName, port }) => ({
            name,
            namespace,
            sectionName,
            port,
          })),
        }
      : { ...link, tls: false }
  })
}

/** Whether TLS for the host ends at a listener to which the route is bound. */
function terminatesTls(gateway, { sectionName, port }, host) {
  return (gateway?.spec?.listeners ?? []).some(
    (listener) =>
      (sectionName === undefined || listener.name === sectionName) &&
      (port === undefined || listener.port === port) &&
      (listener.hostname === undefined || matchesHost(listener.hostname, host)) &&
      tlsProtocols.includes(listener.protocol),
  )
}

/** If the cluster has no Gateway API, or the account may not read gateways, the links use http. */
async function getGateways(names) {
  const references = names.map((fullName) => {
    const [namespace, name] = fullName.split('/')
    return { apiVersion: `${gatewayGroup}/v1`, kind: 'Gateway', namespace, name }
  })
  try {
    const found = await getObjects(references)
    return new Map(
      found.map((gateway) => [`${gateway.metadata.namespace}/${gateway.metadata.name}`, gateway]),
    )
  } catch {
    return new Map()
  }
}

/** The path, if there is exactly one and it is not a pattern; else the root. */
function singlePath(paths) {
  const [path = '/', ...others] = new Set(paths)
  return others.length === 0 && path !== '/' && /^\/[\w./~-]*$/.test(path) ? path : ''
}

function matchesHost(pattern, host) {
  return pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))
}

/** A wildcard host is not an address. */
const isHost = (host) => typeof host === 'string' && host !== '' && !host.includes('*')
const inGroup = (apiVersion, group) => apiVersion?.startsWith(`${group}/`)
