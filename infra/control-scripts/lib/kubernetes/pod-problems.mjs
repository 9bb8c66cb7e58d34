/**
 * Finds out why pods are not ready: from their status, their events and the last lines of their logs. Called by
 * health.mjs and by the scripts that wait for pods.
 */
import { maskSecrets } from '../secrets.mjs'
import { kubectl, mapWithLimit } from './kubectl.mjs'

/** Octopod shows at most 20 lines of the output of a failed script. */
const maxProblems = 4
const maxLogLines = 6
const maxLineLength = 300
/** Waiting reasons that occur at every start and mean no problem. */
const startupReasons = ['ContainerCreating', 'PodInitializing']
/** Conditions of a workload that are true when something is wrong. */
const failureConditions = ['ReplicaFailure', 'Failed']
const pullReasons = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'ImageInspectError',
]

/** → one line for each different problem, followed by lines of the log; empty if the pods have none. */
export async function describePodProblems(pods) {
  const problems = pods.flatMap((pod) => {
    const problem = podProblem(pod)
    return problem === null ? [] : [{ pod, ...problem }]
  })
  const groups = [...Map.groupBy(problems, ({ reason, text, container }) => [reason, container, text].join())]
  const described = await mapWithLimit(groups.slice(0, maxProblems), async ([, members]) => {
    const [first] = members
    const others = members.length > 1 ? ` and ${members.length - 1} more` : ''
    const details = first.text ?? (await lastWarning('Pod', first.pod.metadata))
    const sentence = details === null ? first.fallback : `${first.intro}${details}`
    const lines = first.needsLog ? await lastLogLines(first.pod.metadata, first.container) : []
    return sentence === null
      ? []
      : [`Pod ${first.pod.metadata.name}${others}: ${oneLine(sentence)}`, ...lines]
  })
  return described.flat()
}

/** The reason in one word, if the status shows that the pod cannot start; undefined while it may still become ready. */
export function problemReason(pod) {
  const problem = podProblem(pod)
  return problem === null || problem.text === null ? undefined : problem.reason
}

/** Why a workload has failed or could not create pods, such as an exceeded quota. → lines */
export async function describeWorkloadFailure({ kind, metadata, status }, hasPods) {
  const failed = (status?.conditions ?? []).find(
    ({ type, status }) => failureConditions.includes(type) && status === 'True',
  )
  const message = failed?.message ?? (hasPods ? null : await lastWarning(kind, metadata))
  return message ? [`${kind} ${metadata.name}: ${oneLine(message)}`] : []
}

/**
 * → { reason, container, text, intro, fallback, needsLog }, or null. `text` null: the events have the details, and
 * `intro` precedes them; without an event `fallback` is the sentence, or null if there is no problem then.
 */
function podProblem({ metadata, spec, status = {} }) {
  if (metadata.deletionTimestamp || status.phase === 'Succeeded') return null
  const unscheduled = (status.conditions ?? []).find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  )
  if (unscheduled)
    return problem(
      unscheduled.reason ?? 'Unschedulable',
      `no node can run it: ${unscheduled.message ?? unscheduled.reason}`,
    )
  if (status.reason && status.phase === 'Failed')
    return problem(status.reason, `${status.reason}: ${status.message ?? 'no message'}`)
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  for (const container of containers) {
    const found = containerProblem(container, spec)
    if (found !== null) return { container: container.name, ...found }
  }
  const isStarting = containers.every(({ state }) => state === undefined || state.waiting)
  if (status.phase === 'Pending' && isStarting) return waitingForEvents('Starting', '', null)
  const unready = (status.containerStatuses ?? []).find(({ ready, state }) => !ready && state?.running)
  if (!unready) return null
  const probe = unready.started === false ? 'startup' : 'readiness'
  const intro = `the container ${unready.name} runs, but it is not ready: `
  return {
    container: unready.name,
    ...waitingForEvents(
      'Unready',
      intro,
      hasProbe(spec, unready.name, probe) ? `${intro}its ${probe} probe has not succeeded yet` : null,
    ),
  }
}

function containerProblem({ name, image, state = {}, lastState = {}, restartCount = 0 }, spec) {
  const { waiting, terminated } = state
  if (waiting && pullReasons.includes(waiting.reason))
    return problem(
      waiting.reason,
      `the image ${image} of the container ${name} cannot be pulled: ${withMessage(waiting)}`,
    )
  if (waiting?.reason === 'CrashLoopBackOff' || (lastState.terminated && waiting))
    return {
      ...problem(
        waiting.reason ?? 'CrashLoopBackOff',
        `the container ${name} ${endOf(lastState.terminated)} and was started again ${restartCount} times: ${waiting.reason}`,
      ),
      needsLog: true,
    }
  if (waiting?.reason && !startupReasons.includes(waiting.reason))
    return problem(waiting.reason, `the container ${name} does not start: ${withMessage(waiting)}`)
  if (terminated && terminated.exitCode !== 0 && spec?.restartPolicy === 'Never')
    return {
      ...problem(terminated.reason ?? 'Error', `the container ${name} ${endOf(terminated)}`),
      needsLog: true,
    }
  return null
}

const problem = (reason, text) => ({ reason, text, intro: '', fallback: null, needsLog: false })
const waitingForEvents = (reason, intro, fallback) => ({
  reason,
  text: null,
  intro,
  fallback,
  needsLog: false,
})

function withMessage({ reason, message }) {
  return message ? `${reason}: ${message}` : reason
}

function endOf(terminated) {
  if (terminated === undefined) return 'ended'
  const { exitCode, reason, signal } = terminated
  if (reason === 'OOMKilled') return 'used more memory than its limit and was killed (OOMKilled)'
  return signal ? `was ended by signal ${signal}` : `ended with exit code ${exitCode}`
}

function hasProbe(spec, name, probe) {
  const container = (spec?.containers ?? []).find((each) => each.name === name)
  return container?.[`${probe}Probe`] !== undefined
}

/** The message of the newest warning about an object; null if there is none or events may not be read. */
async function lastWarning(kind, { name, namespace }) {
  const selector = `involvedObject.kind=${kind},involvedObject.name=${name},type=Warning`
  try {
    const output = await kubectl([
      'get',
      'events',
      '-n',
      namespace,
      '--field-selector',
      selector,
      '-o',
      'json',
    ])
    const events = output.trim() === '' ? [] : (JSON.parse(output).items ?? [])
    const time = ({ series, lastTimestamp, eventTime, metadata }) =>
      series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
    const [newest] = events.sort((first, second) => time(second).localeCompare(time(first)))
    return newest?.message ?? null
  } catch {
    return null
  }
}

/** The log of the last run of a container, indented; empty if it cannot be read. */
async function lastLogLines({ name, namespace }, container) {
  const args = ['logs', name, '-n', namespace, '-c', container, `--tail=${maxLogLines}`]
  const read = (extra) => kubectl([...args, ...extra], { timeoutMs: 10_000 }).catch(() => '')
  const text = (await read(['--previous'])) || (await read([]))
  return text
    .split('\n')
    .map(oneLine)
    .filter(Boolean)
    .slice(-maxLogLines)
    .map((line) => `    ${line}`)
}

function oneLine(text) {
  const clean = maskSecrets(text)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal control sequences are removed
    .replace(/\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: so are other control characters
    .replace(/\s*[\x00-\x1f\x7f]+\s*/g, ' ')
    .trim()
  return clean.length > maxLineLength ? `${clean.slice(0, maxLineLength)}…` : clean
}
