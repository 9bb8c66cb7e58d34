/**
 * archive and unarchive: every workload goes to zero and keeps its count in an annotation of its own, in one patch, so that
 * both can be repeated and go on where another broke off. What has no count is stopped in the way of its kind.
 */
import {
  each,
  getLabelled,
  getObjects,
  identified,
  idOf,
  kubectl,
  livePods,
  patchObject,
  typed,
} from './kubectl.mjs'

/** What was before the archive, as JSON. */
const kept = 'octopod/before-archive'
/** No node has it: a DaemonSet that asks for it has no pods. */
const nowhere = 'octopod/archived'
const pause = 'strimzi.io/pause-reconciliation'

/** kind → what it is now (null: stopped), the patch that stops it, the patch that brings it back to what it was. */
const counted = (field) => ({
  isCount: true,
  now: ({ spec }) => ((spec?.[field] ?? 1) === 0 ? null : (spec?.[field] ?? 1)),
  stop: () => ({ spec: { [field]: 0 } }),
  start: (count) => ({ spec: { [field]: count } }),
})
const suspended = {
  now: ({ spec, status }) => (spec?.suspend === true || isDone(status) ? null : false),
  stop: () => ({ spec: { suspend: true } }),
  start: (was) => ({ spec: { suspend: was } }),
}
const ways = {
  Deployment: counted('replicas'),
  StatefulSet: counted('replicas'),
  ReplicaSet: counted('replicas'),
  postgresql: counted('numberOfInstances'),
  CronJob: suspended,
  Job: suspended,
  DaemonSet: {
    now: ({ spec }) => (spec?.template?.spec?.nodeSelector?.[nowhere] ? null : true),
    stop: () => ({ spec: { template: { spec: { nodeSelector: { [nowhere]: 'true' } } } } }),
    start: () => ({ spec: { template: { spec: { nodeSelector: { [nowhere]: null } } } } }),
  },
  Kafka: {
    now: ({ metadata }) => (metadata.annotations?.[pause] === 'true' ? null : true),
    stop: () => ({ metadata: { annotations: { [pause]: 'true' } } }),
    start: () => ({ metadata: { annotations: { [pause]: null } } }),
  },
}

/** → how many workloads were stopped now. */
export async function stopWorkloads({ workloads }) {
  const live = await getObjects(workloads)
  // A paused operator first: it would bring back what is taken from it.
  const stopped = [
    await each(live.filter(isKafka), stop),
    await each(
      live.filter((one) => !isKafka(one)),
      stop,
    ),
  ]
  const below = await each(live.filter(isKafka), async (kafka) => {
    const namespace = kafka.metadata.namespace
    await deletePodSets(kafka)
    return each(await brokersOf(kafka, namespace), stop)
  })
  return [...stopped.flat(), ...below.flat()].filter(Boolean).length
}

/** → how many workloads were started now. Without a note of ours (Octopod 1.6 left none) its count in the chart holds. */
export async function startWorkloads({ workloads }) {
  const configured = new Map(workloads.map((workload) => [idOf(workload), workload.replicas]))
  const live = await getObjects(workloads)
  const brokers = (
    await each(live.filter(isKafka), (kafka) => brokersOf(kafka, kafka.metadata.namespace))
  ).flat()
  const started = await each(
    [...live.filter((one) => !isKafka(one)), ...brokers, ...live.filter(isKafka)],
    (object) => start(object, configured.get(idOf(identified(object)))),
  )
  return started.filter(Boolean).length
}

/** Pods that still run, by the selectors of the workloads and the instance's own label. */
async function podsLeft({ name, namespace }, { workloads }) {
  const selectors = [[namespace, `app.kubernetes.io/instance=${name}`]]
  for (const { namespace, selector } of workloads) {
    const pairs = Object.entries(selector)
    const isCovered = selector['app.kubernetes.io/instance'] === name
    if (pairs.length > 0 && !isCovered)
      selectors.push([namespace, pairs.map((pair) => pair.join('=')).join(',')])
  }
  const unique = [...new Map(selectors.map((each) => [each.join(' '), each])).values()]
  return [...new Set((await each(unique, ([namespace, selector]) => livePods(namespace, selector))).flat())]
}

/** archive_check: 0 when none is left. `outline`: null when nothing is installed. */
export async function sayPodsLeft(request, outline) {
  const left = await podsLeft(request, outline ?? { workloads: [] })
  console.log(
    left.length > 0
      ? `${request.name} still has ${left.length} pods: ${left.slice(0, 5).join(', ')}.`
      : `${request.name} has no pod left.`,
  )
  return left.length > 0 ? 1 : 0
}

async function stop(object) {
  const way = ways[object.kind]
  const now = way.now(object)
  if (now === null) return false
  await change(object, way.stop(), JSON.stringify(now))
  console.log(`${object.kind} ${object.metadata.name} is stopped.`)
  return true
}

/** One that was given a count meanwhile, by an update after an archive that failed, keeps it. */
async function start(object, configured = 0) {
  const way = ways[object.kind]
  const note = object.metadata.annotations?.[kept]
  const now = way.now(object)
  if (note === undefined && !(way.isCount && now === null && configured > 0)) return false
  const was = way.isCount && now !== null ? now : note === undefined ? configured : JSON.parse(note)
  await change(object, way.start(was), null)
  console.log(`${object.kind} ${object.metadata.name} is started${way.isCount ? ` with ${was}` : ''}.`)
  return true
}

/** The note and the change in one patch: whoever breaks off leaves both or neither. */
function change(object, patch, note) {
  const annotations = { ...patch.metadata?.annotations, [kept]: note }
  return patchObject(identified(object), { ...patch, metadata: { annotations } })
}

/** What Strimzi made of a Kafka: older ones StatefulSets, and Deployments beside. */
async function brokersOf(kafka, namespace) {
  return getLabelled(
    'deployments.apps,statefulsets.apps',
    namespace,
    `strimzi.io/cluster=${kafka.metadata.name}`,
  )
}

/** Newer ones have pod sets without a count: they are deleted, and made anew by the operator when it goes on. */
async function deletePodSets(kafka) {
  const { name, namespace } = kafka.metadata
  const resource = 'strimzipodsets.core.strimzi.io'
  const sets = await getLabelled(resource, namespace, `strimzi.io/cluster=${name}`).catch(() => [])
  const names = sets.map((set) => typed(identified(set)))
  if (names.length > 0)
    await kubectl(['delete', '-n', namespace, '--ignore-not-found', '--wait=false', ...names])
}

const isKafka = ({ kind }) => kind === 'Kafka'
const isDone = (status) =>
  (status?.conditions ?? []).some(
    ({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True',
  )
