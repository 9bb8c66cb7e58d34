/**
 * The check script: tests whether every configured workload exists, is ready and runs the configured images. Called by
 * the check executables of helm and kubectl.
 */
import { tagOf } from './image.mjs'
import { getObjects, getObjectsByLabel, mapWithLimit, objectKey, referenceTo } from './kubectl.mjs'
import { imagesOf } from './manifest-summary.mjs'
import { describePodProblems, describeWorkloadFailure, problemReason } from './pod-problems.mjs'
import { readiness } from './readiness.mjs'

/** Exit codes of a check script, as Octopod reads them. */
const exitCodes = { ready: 0, notReady: 1, partlyReady: 2, otherTag: 3 }

/** The number of workloads whose own failures are described. */
const maxFailures = 3

/** Kinds whose status shows whether they are ready. Other kinds belong to controllers that check them. */
const checkedKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job']

/**
 * Prints the result as one sentence and returns the exit code. A problem goes to stderr, followed by the reasons that
 * the pods give. `installed` returns the summary of the installed manifests, or null if none is recorded.
 */
export async function checkHealth({ name }, { workloads }, installed = async () => null) {
  const expected = workloads.filter(({ kind }) => checkedKinds.includes(kind))
  if (expected.length === 0) return report(exitCodes.ready, `${name} has no workloads to wait for.`)
  const states = await workloadStates(expected, installed)
  const unready = states.filter(({ ready }) => !ready)
  const pods = (
    await mapWithLimit(
      unready.filter(({ object }) => object !== undefined),
      podsOf,
    )
  ).flat()

  const mismatch = states.map(imageMismatch).find(Boolean) ?? pods.map(imageMismatch).find(Boolean)
  const isServing = states.some(({ serving, ready, object }) => serving || (ready && object?.kind === 'Job'))
  if (unready.length === 0 && !mismatch)
    return report(exitCodes.ready, `${name} is ready: ${countText(states.length)}.`)
  const reasons = await describeReasons(unready, pods)
  if (unready.length > 0 && !isServing)
    return report(exitCodes.notReady, `${name} is not ready: ${describeUnready(unready, pods)}.`, reasons)
  if (mismatch)
    return report(
      exitCodes.otherTag,
      `${name} runs ${mismatch.running}, but ${mismatch.configured} is configured (${mismatch.location}).`,
      reasons,
    )
  return report(
    exitCodes.partlyReady,
    `${unready.length} of ${countText(states.length)} of ${name} not ready: ${describeUnready(unready, pods)}.`,
    reasons,
  )
}

async function workloadStates(expected, installed) {
  const states = await readStates(expected)
  const isMissingJob = ({ workload, object, ready }) =>
    workload.kind === 'Job' && object === undefined && !ready
  if (!states.some(isMissingJob)) return states
  // A job's name may contain the release revision or a random part. Then only the installed manifests have the real
  // name.
  const known = new Set(expected.map(objectKey))
  const jobs = ((await installed())?.workloads ?? []).filter(
    (workload) => workload.kind === 'Job' && !known.has(objectKey(workload)),
  )
  return jobs.length === 0
    ? states
    : [...states.filter((state) => !isMissingJob(state)), ...(await readStates(jobs))]
}

async function readStates(workloads) {
  const live = new Map(
    (await getObjects(workloads)).map((object) => [objectKey(referenceTo(object)), object]),
  )
  return workloads.map((workload) => stateOf(workload, live.get(objectKey(workload))))
}

function stateOf(workload, object) {
  if (object === undefined && workload.isDeletedWhenDone)
    return { workload, ready: true, serving: false, message: '' }
  if (object === undefined) return { workload, ready: false, serving: false, message: 'does not exist' }
  return {
    workload,
    object,
    location: titleOf(workload),
    images: imagesOf(object),
    ...readiness(object, workload.replicas),
  }
}

/** The workload's pods with their images. A ready pod with an old image shows that the old release still runs. */
async function podsOf({ workload }) {
  const selector = Object.entries(workload.selector)
    .map((pair) => pair.join('='))
    .join(',')
  if (selector === '') return []
  const pods = await getObjectsByLabel('pods', workload.namespace, selector)
  return pods.map((pod) => ({
    workload,
    pod,
    location: `Pod ${pod.metadata.name}`,
    images:
      isReady(pod.status) && !pod.metadata.deletionTimestamp ? imagesOf({ spec: { template: pod } }) : {},
  }))
}

/**
 * The first container that runs another tag than configured. Registries may differ, because a mirror may replace them.
 */
function imageMismatch({ workload, images = {}, location }) {
  for (const [container, configured] of Object.entries(workload.images)) {
    const running = images[container]
    if (running !== undefined && tagOf(running) !== tagOf(configured))
      return { running, configured, location }
  }
  return undefined
}

/** Why workloads have no pods, and the problems of the pods. → lines */
async function describeReasons(unready, pods) {
  const existing = unready.filter(({ object }) => object !== undefined).slice(0, maxFailures)
  const failures = await mapWithLimit(existing, ({ workload, object }) =>
    describeWorkloadFailure(
      object,
      pods.some((each) => each.workload === workload),
    ),
  )
  return [...failures.flat(), ...(await describePodProblems(pods.map(({ pod }) => pod)))]
}

function describeUnready(unready, pods) {
  return unready
    .map(({ workload, message }) => {
      const why = pods
        .filter((each) => each.workload === workload)
        .map(({ pod }) => problemReason(pod))
        .find((reason) => reason !== undefined)
      return `${titleOf(workload)} ${message}${why ? ` (${why})` : ''}`
    })
    .join('; ')
}

const isReady = (status) =>
  (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
const titleOf = ({ kind, name }) => `${kind} ${name}`
const countText = (count) => `${count} ${count === 1 ? 'workload' : 'workloads'}`

function report(code, message, reasons = []) {
  if (code === exitCodes.ready) console.log(message)
  else console.error([message, ...reasons].join('\n'))
  return code
}
