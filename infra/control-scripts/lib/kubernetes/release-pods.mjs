/**
 * Finds the pods of a deployment, whatever owns them: workloads, hooks, bare pods, operators. Called by archive,
 * archive_check and the scripts that wait for pods.
 */
import { getObjects, kubectl, mapWithLimit } from './kubectl.mjs'
import { apiGroup } from './manifest-summary.mjs'

/** Kinds that may be between an object of the deployment and a pod. */
const ownerKinds = 'jobs,cronjobs,replicasets.apps,deployments.apps,statefulsets.apps,daemonsets.apps'
/** Custom resources that the scripts stop and whose pods they select by label. */
const knownCustomGroups = ['acid.zalan.do', 'kafka.strimzi.io']

/**
 * → the pods that have neither succeeded nor failed, as objects. `summary`: the installed manifests, with `hooks` if
 * there are any; null if nothing is installed.
 */
export async function findActivePods(request, summary) {
  const { name, namespace } = request
  const { workloads = [], hooks = [] } = summary ?? {}
  const jobs = hooks.filter(({ kind }) => kind === 'Job').map((hook) => hook.name)
  const selectors = [[namespace, `app.kubernetes.io/instance=${name}`]]
  if (jobs.length > 0) selectors.push([namespace, `job-name in (${jobs.join(',')})`])
  for (const { namespace, selector } of workloads) {
    const pairs = Object.entries(selector)
    const isCovered = selector['app.kubernetes.io/instance'] === name
    if (pairs.length > 0 && !isCovered)
      selectors.push([namespace, pairs.map((pair) => pair.join('=')).join(',')])
  }
  const unique = [...new Map(selectors.map((pair) => [pair.join(' '), pair])).values()]
  const [labelled, bare, owned] = await Promise.all([
    mapWithLimit(unique, ([namespace, selector]) => getActivePods(namespace, ['-l', selector])),
    getObjects(barePods(summary)),
    findOwnedPods(request, summary),
  ])
  const pods = [...labelled.flat(), ...bare, ...owned].filter(isActive)
  return [...new Map(pods.map((pod) => [pod.metadata.uid, pod])).values()]
}

/** References to the pods that are in the manifests themselves, or are hooks. */
export function barePods(summary) {
  return [...(summary?.objects ?? []), ...(summary?.hooks ?? [])].filter(
    ({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Pod',
  )
}

/** References to objects that an operator may turn into pods. */
export function customObjects(summary) {
  return (summary?.objects ?? []).filter(({ apiVersion }) => {
    const group = apiGroup(apiVersion)
    return group.includes('.') && !group.endsWith('.k8s.io') && !knownCustomGroups.includes(group)
  })
}

/**
 * Reads who owns what in a namespace. → Map from uid to { uid, apiVersion, kind, name, namespace, owners }. Only these
 * fields are printed, because the objects of a large namespace have many megabytes.
 */
export async function readOwners(namespace) {
  const template =
    '{{range .items}}{{.metadata.uid}} {{.apiVersion}} {{.kind}} {{.metadata.name}}' +
    '{{range .metadata.ownerReferences}} {{.uid}}{{end}}{{"\\n"}}{{end}}'
  const output = await kubectl([
    'get',
    `pods,${ownerKinds}`,
    '-n',
    namespace,
    '-o',
    `go-template=${template}`,
  ])
  const rows = output
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [uid, apiVersion, kind, name, ...owners] = line.split(' ')
      return [uid, { uid, apiVersion, kind, name, namespace, owners }]
    })
  return new Map(rows)
}

/** An object, its owner, the owner's owner and so on, as far as they are in the map. */
export function ownerChain(uid, owners) {
  const chain = []
  for (let next = uid; next !== undefined && !chain.some((each) => each.uid === next); ) {
    const object = owners.get(next)
    if (object === undefined) break
    chain.push(object)
    next = object.owners[0]
  }
  return chain
}

/** The pods of custom resources and of the jobs that cron jobs have started. */
async function findOwnedPods({ namespace }, summary) {
  const cronJobs = (summary?.workloads ?? []).filter(({ kind }) => kind === 'CronJob')
  const roots = [...customObjects(summary), ...cronJobs]
  if (roots.length === 0) return []
  const rootUids = new Set((await getKnownObjects(roots)).map(({ metadata }) => metadata.uid))
  if (rootUids.size === 0) return []
  const owners = await readOwners(namespace)
  const references = [...owners.values()].filter(
    ({ kind, uid }) =>
      kind === 'Pod' &&
      ownerChain(uid, owners).some(
        ({ uid, owners: own }) => rootUids.has(uid) || own.some((id) => rootUids.has(id)),
      ),
  )
  return getObjects(references)
}

/** Like getObjects, but without kinds that the cluster does not have or this account may not read. */
export async function getKnownObjects(references) {
  if (references.length === 0) return []
  try {
    return await getObjects(references)
  } catch {
    const groups = Map.groupBy(references, ({ apiVersion, kind }) => `${kind} ${apiVersion}`)
    const lists = await mapWithLimit([...groups.values()], (members) => getObjects(members).catch(() => []))
    return lists.flat()
  }
}

async function getActivePods(namespace, options) {
  const filter = '--field-selector=status.phase!=Succeeded,status.phase!=Failed'
  const output = await kubectl(['get', 'pods', '-n', namespace, ...options, filter, '-o', 'json'])
  return JSON.parse(output).items ?? []
}

const isActive = ({ status }) => !['Succeeded', 'Failed'].includes(status?.phase)
