/** The hosts under which a deployment is reached, from Ingress and Gateway API routes; https where TLS ends for that host. */
import { getObjects } from './kubectl.mjs'

const ingressGroups = ['networking.k8s.io', 'extensions']
const routeKinds = ['HTTPRoute', 'GRPCRoute']
const gatewayGroup = 'gateway.networking.k8s.io'
const tlsProtocols = ['HTTPS', 'TLS']

/** → [{ name, host, path, tls }]; where a gateway of others decides about TLS, `gateways` instead of `tls`. */
export function linksOf(objects) {
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

/** Rows for info: name and URL. Asks the cluster only about gateways that are not part of the deployment. */
export async function linkRows(links, namespace) {
  const asked = links.flatMap(({ gateways = [] }) => gateways)
  const names = new Map(asked.map((ref) => [`${ref.namespace ?? namespace}/${ref.name}`, ref]))
  const live = names.size === 0 ? new Map() : await liveGateways([...names.keys()])
  const rows = links.map(({ name, host, path, tls, gateways = [] }) => {
    const secure =
      tls ?? gateways.some((ref) => endsTls(live.get(`${ref.namespace ?? namespace}/${ref.name}`), ref, host))
    return [name, `${secure ? 'https' : 'http'}://${host}${path}`]
  })
  return [...new Map(rows.map((row) => [row.join('\n'), row])).values()]
}

function ingressLinks({ metadata, spec }) {
  const tls = spec?.tls ?? []
  const secure = (host) =>
    tls.some(({ hosts }) => !hosts?.length || hosts.some((pattern) => covers(pattern, host)))
  const hosts = Map.groupBy(
    (spec?.rules ?? []).filter(({ host }) => isHost(host)),
    ({ host }) => host,
  )
  return [...hosts].map(([host, rules]) => {
    const paths = rules.flatMap(({ http }) => (http?.paths ?? []).map(({ path }) => path ?? '/'))
    return { name: metadata.name, host, path: entrance(paths), tls: secure(host) }
  })
}

function routeLinks({ metadata, spec }, gateways) {
  const refs = (spec?.parentRefs ?? []).filter(({ kind = 'Gateway' }) => kind === 'Gateway')
  const own = new Map(gateways.map((gateway) => [gateway.metadata.name, gateway]))
  const paths = (spec?.rules ?? []).flatMap(({ matches }) =>
    (matches ?? []).map(({ path }) => path?.value ?? '/'),
  )
  return (spec?.hostnames ?? []).filter(isHost).map((host) => {
    const link = { name: metadata.name, host, path: entrance(paths) }
    if (refs.some((ref) => endsTls(own.get(ref.name), ref, host))) return { ...link, tls: true }
    const others = refs.filter((ref) => !own.has(ref.name))
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

/** Whether a listener of the gateway that the route is bound to ends TLS for the host. */
function endsTls(gateway, { sectionName, port }, host) {
  return (gateway?.spec?.listeners ?? []).some(
    (listener) =>
      (sectionName === undefined || listener.name === sectionName) &&
      (port === undefined || listener.port === port) &&
      (listener.hostname === undefined || covers(listener.hostname, host)) &&
      tlsProtocols.includes(listener.protocol),
  )
}

/** A cluster without the Gateway API, or an account that may not read gateways, means http. */
async function liveGateways(names) {
  const asked = names.map((each) => {
    const [namespace, name] = each.split('/')
    return { apiVersion: `${gatewayGroup}/v1`, kind: 'Gateway', namespace, name }
  })
  try {
    const found = await getObjects(asked)
    return new Map(
      found.map((gateway) => [`${gateway.metadata.namespace}/${gateway.metadata.name}`, gateway]),
    )
  } catch {
    return new Map()
  }
}

/** The one path that is served, when there is only one and it is no pattern; else the root. */
function entrance(paths) {
  const [path = '/', ...others] = new Set(paths)
  return others.length === 0 && path !== '/' && /^\/[\w./~-]*$/.test(path) ? path : ''
}

function covers(pattern, host) {
  return pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))
}

/** A pattern for hosts is no place to go. */
const isHost = (host) => typeof host === 'string' && host !== '' && !host.includes('*')
const inGroup = (apiVersion, group) => apiVersion?.startsWith(`${group}/`)
