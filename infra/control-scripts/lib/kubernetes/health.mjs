/** What check finds: every workload of the outline is there, ready, and runs the configured images. Exit codes of contract §2. */
import { tagOf } from './image.mjs'
import { each, getLabelled, getObjects, identified, idOf } from './kubectl.mjs'
import { imagesOf } from './manifest-summary.mjs'
import { readiness } from './readiness.mjs'

const fine = 0
const down = 1
const partlyUp = 2
const otherTag = 3

/** Kinds whose status tells whether they are ready; the others are watched by those who made them. */
const judged = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job']
/** Reasons for waiting that are part of every start. */
const ordinary = ['ContainerCreating', 'PodInitializing']

/**
 * Says in a sentence what it found and returns the exit code. `installed` gives the outline of what is installed, where
 * somebody keeps it.
 */
export async function checkHealth({ name }, { workloads }, installed = async () => null) {
  const wanted = workloads.filter(({ kind }) => judged.includes(kind))
  if (wanted.length === 0) return found(fine, `${name} has no workloads to wait for.`)
  const states = await statesOf(wanted, installed)
  const late = states.filter(({ ready }) => !ready)
  const pods = (
    await each(
      late.filter(({ object }) => object !== undefined),
      podsOf,
    )
  ).flat()

  const other = states.map(otherImage).find(Boolean) ?? pods.map(otherImage).find(Boolean)
  const isServing = states.some(({ serving, ready, object }) => serving || (ready && object?.kind === 'Job'))
  if (late.length === 0 && !other) return found(fine, `${name} is ready: ${counted(states.length)}.`)
  if (late.length > 0 && !isServing) return found(down, `${name} is not ready: ${listed(late, pods)}.`)
  if (other)
    return found(otherTag, `${name} runs ${other.runs}, but ${other.wants} is configured (${other.where}).`)
  return found(
    partlyUp,
    `${late.length} of ${counted(states.length)} of ${name} not ready: ${listed(late, pods)}.`,
  )
}

async function statesOf(wanted, installed) {
  const states = await lookAt(wanted)
  const isLost = ({ workload, object, ready }) => workload.kind === 'Job' && object === undefined && !ready
  if (!states.some(isLost)) return states
  // The name of a job may hold the release's revision or a part of chance: only what is installed knows it.
  const known = new Set(wanted.map(idOf))
  const jobs = ((await installed())?.workloads ?? []).filter(
    (each) => each.kind === 'Job' && !known.has(idOf(each)),
  )
  return jobs.length === 0 ? states : [...states.filter((state) => !isLost(state)), ...(await lookAt(jobs))]
}

async function lookAt(workloads) {
  const live = new Map((await getObjects(workloads)).map((object) => [idOf(identified(object)), object]))
  return workloads.map((workload) => stateOf(workload, live.get(idOf(workload))))
}

function stateOf(workload, object) {
  if (object === undefined && workload.leaves) return { workload, ready: true, serving: false, says: '' }
  if (object === undefined) return { workload, ready: false, serving: false, says: 'does not exist' }
  return {
    workload,
    object,
    where: titled(workload),
    images: imagesOf(object),
    ...readiness(object, workload.replicas),
  }
}

/** Those of its pods that can answer now; an old one among them shows that its release is still running. */
async function podsOf({ workload }) {
  const selector = Object.entries(workload.selector)
    .map((pair) => pair.join('='))
    .join(',')
  if (selector === '') return []
  const pods = await getLabelled('pods', workload.namespace, selector)
  return pods.map(({ metadata, spec, status }) => ({
    workload,
    where: `Pod ${metadata.name}`,
    images: isReady(status) && !metadata.deletionTimestamp ? imagesOf({ spec: { template: { spec } } }) : {},
    waits: reasonOf(status),
  }))
}

/** A container that runs another tag than configured; registries may differ, a mirror may have changed them. */
function otherImage({ workload, images = {}, where }) {
  for (const [container, wants] of Object.entries(workload.images)) {
    const runs = images[container]
    if (runs !== undefined && tagOf(runs) !== tagOf(wants)) return { runs, wants, where }
  }
  return undefined
}

function reasonOf(status) {
  const waits = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
    .map(({ state }) => state?.waiting?.reason)
    .find((reason) => reason !== undefined && !ordinary.includes(reason))
  const unscheduled = (status?.conditions ?? []).find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  )
  return waits ?? unscheduled?.reason
}

function listed(late, pods) {
  return late
    .map(({ workload, says }) => {
      const why = pods.find((pod) => pod.workload === workload && pod.waits !== undefined)?.waits
      return `${titled(workload)} ${says}${why ? ` (${why})` : ''}`
    })
    .join('; ')
}

const isReady = (status) =>
  (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
const titled = ({ kind, name }) => `${kind} ${name}`
const counted = (count) => `${count} ${count === 1 ? 'workload' : 'workloads'}`

function found(code, sentence) {
  console.log(sentence)
  return code
}
