/**
 * Scales workloads down and up for archive and unarchive (archive.mjs). One patch sets the count to zero and stores the old count in
 * an annotation, so both scripts can be repeated and can continue after an interruption. Kinds without a count have
 * their own way to stop.
 */
import {
  getObjects,
  getObjectsByLabel,
  kubectl,
  mapWithLimit,
  objectKey,
  patchObject,
  referenceTo,
  resourceName,
} from './kubectl.mjs'
import { findActivePods } from './release-pods.mjs'

/** The annotation with the state before the archive, as JSON. */
export const stateAnnotation = 'octopod/before-archive'
/** A label that no node has. A DaemonSet that selects it has no pods. */
const noNodeLabel = 'octopod/archived'
const pauseAnnotation = 'strimzi.io/pause-reconciliation'

/** Kinds with a count: it becomes zero. */
const byCount = (field) => ({
  isCount: true,
  currentState: ({ spec }) => ((spec?.[field] ?? 1) === 0 ? null : (spec?.[field] ?? 1)),
  stop: () => ({ spec: { [field]: 0 } }),
  start: (count) => ({ spec: { [field]: count } }),
})
/** Kinds that can be suspended. */
const bySuspension = {
  currentState: ({ spec, status }) => (spec?.suspend === true || isFinished(status) ? null : false),
  stop: () => ({ spec: { suspend: true } }),
  start: (suspend) => ({ spec: { suspend } }),
}
/** For each kind: its current state (null: stopped), the patch that stops it, and the patch that restores a state. */
const scalers = {
  Deployment: byCount('replicas'),
  StatefulSet: byCount('replicas'),
  ReplicaSet: byCount('replicas'),
  postgresql: byCount('numberOfInstances'),
  CronJob: bySuspension,
  Job: bySuspension,
  DaemonSet: {
    currentState: ({ spec }) => (spec?.template?.spec?.nodeSelector?.[noNodeLabel] ? null : true),
    stop: () => ({ spec: { template: { spec: { nodeSelector: { [noNodeLabel]: 'true' } } } } }),
    start: () => ({ spec: { template: { spec: { nodeSelector: { [noNodeLabel]: null } } } } }),
  },
  Kafka: {
    currentState: ({ metadata }) => (metadata.annotations?.[pauseAnnotation] === 'true' ? null : true),
    stop: () => ({ metadata: { annotations: { [pauseAnnotation]: 'true' } } }),
    start: () => ({ metadata: { annotations: { [pauseAnnotation]: null } } }),
  },
}

/** → the number of workloads that this call has stopped */
export async function stopWorkloads({ workloads }) {
  const objects = await getObjects(workloads)
  // Pause the Kafka operator first, because it would restart what is stopped.
  const stopped = [
    await mapWithLimit(objects.filter(isKafka), stop),
    await mapWithLimit(
      objects.filter((object) => !isKafka(object)),
      stop,
    ),
  ]
  const kafkaWorkloads = await mapWithLimit(objects.filter(isKafka), async (kafka) => {
    const namespace = kafka.metadata.namespace
    await deletePodSets(kafka)
    return mapWithLimit(await getKafkaWorkloads(kafka, namespace), stop)
  })
  return [...stopped.flat(), ...kafkaWorkloads.flat()].filter(Boolean).length
}

/**
 * → the number of workloads that this call has started. Without the annotation (Octopod 1.6 wrote none) the chart's
 * count is used.
 */
export async function startWorkloads({ workloads }) {
  const configured = new Map(workloads.map((workload) => [objectKey(workload), workload.replicas]))
  const objects = await getObjects(workloads)
  const brokers = (
    await mapWithLimit(objects.filter(isKafka), (kafka) => getKafkaWorkloads(kafka, kafka.metadata.namespace))
  ).flat()
  const started = await mapWithLimit(
    [...objects.filter((object) => !isKafka(object)), ...brokers, ...objects.filter(isKafka)],
    (object) => start(object, configured.get(objectKey(referenceTo(object)))),
  )
  return started.filter(Boolean).length
}

/**
 * archive_check: prints the remaining pods and returns 0 if there are none. `summary` is null if nothing is installed.
 */
export async function reportRemainingPods(request, summary) {
  const remaining = await findActivePods(request, summary)
  const names = remaining.map(
    ({ metadata }) => `pod/${metadata.name}${metadata.deletionTimestamp ? ' (stopping)' : ''}`,
  )
  if (names.length > 0)
    console.error(`${request.name} still has ${names.length} pods: ${names.slice(0, 5).join(', ')}.`)
  else console.log(`${request.name} has no pod left.`)
  return names.length > 0 ? 1 : 0
}

/** → false if the workload is stopped already. `labels`: for a workload that is not part of the manifests. */
export async function stop(object, labels = {}) {
  const scaler = scalers[object.kind]
  const state = scaler.currentState(object)
  if (state === null) return false
  await patchWithSavedState(object, scaler.stop(), JSON.stringify(state), labels)
  console.log(`${object.kind} ${object.metadata.name} is stopped.`)
  return true
}

/** A workload that already has a count, from an update after a failed archive, keeps it. */
export async function start(object, configured = 0, labels = {}) {
  const scaler = scalers[object.kind]
  const savedState = object.metadata.annotations?.[stateAnnotation]
  const state = scaler.currentState(object)
  if (savedState === undefined && !(scaler.isCount && state === null && configured > 0)) return false
  const target =
    scaler.isCount && state !== null ? state : savedState === undefined ? configured : JSON.parse(savedState)
  await patchWithSavedState(object, scaler.start(target), null, labels)
  console.log(`${object.kind} ${object.metadata.name} is started${scaler.isCount ? ` with ${target}` : ''}.`)
  return true
}

/** The annotation and the change are in one patch, so that an interruption leaves both or neither. */
function patchWithSavedState(object, patch, savedState, labels) {
  const annotations = { ...patch.metadata?.annotations, [stateAnnotation]: savedState }
  return patchObject(referenceTo(object), { ...patch, metadata: { annotations, labels } })
}

/** The workloads that Strimzi made for a Kafka: StatefulSets in older versions, and Deployments. */
async function getKafkaWorkloads(kafka, namespace) {
  return getObjectsByLabel(
    'deployments.apps,statefulsets.apps',
    namespace,
    `strimzi.io/cluster=${kafka.metadata.name}`,
  )
}

/**
 * Newer Strimzi versions use pod sets, which have no count. They are deleted; the operator creates them again when it
 * resumes.
 */
async function deletePodSets(kafka) {
  const { name, namespace } = kafka.metadata
  const resource = 'strimzipodsets.core.strimzi.io'
  const sets = await getObjectsByLabel(resource, namespace, `strimzi.io/cluster=${name}`).catch(() => [])
  const names = sets.map((set) => resourceName(referenceTo(set)))
  if (names.length > 0)
    await kubectl(['delete', '-n', namespace, '--ignore-not-found', '--wait=false', ...names])
}

const isKafka = ({ kind }) => kind === 'Kafka'
const isFinished = (status) =>
  (status?.conditions ?? []).some(
    ({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True',
  )
