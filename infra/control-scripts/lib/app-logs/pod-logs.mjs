/**
 * Implements app_logs: prints the lines of all containers of a deployment, each with the names of its pod and container.
 * With --follow it looks for new pods and restarted containers. Called by helm/app_logs and kubectl/app_logs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterEnvironment } from '../kubernetes/kubectl.mjs'
import { findActivePods } from '../kubernetes/release-pods.mjs'
import { maskSecrets } from '../secrets.mjs'
import { endWithReader } from './end-with-reader.mjs'
import { readLines } from './read-lines.mjs'

/** Each container that is followed needs a process of kubectl. */
const maxContainers = 20
const lookIntervalMs = 5_000
/** The cluster may be unreachable for a moment. */
const maxFailedLooks = 6
/** A follow that ends sooner and without a line has failed; the next one waits longer. */
const shortFollowMs = 30_000
const maxRetryMs = 60_000

/** `summary`: the installed manifests; null if nothing is installed. → exit code */
export async function printAppLogs(request, summary) {
  const { tail = '200', follow = false } = request
  const options = { tail, follow }
  endWithReader()
  const pods = await findActivePods(request, summary)
  const first = containersOf(pods)
  if (first.length === 0) console.error(pods.length === 0 ? 'No pod runs.' : 'No container has started yet.')
  if (!follow) {
    // One after the other, so that the lines of a container stay together.
    for (const container of first.slice(0, maxContainers)) await printContainer(container, options)
    reportLeftOut(first.length)
    return 0
  }
  const atFirst = new Set(first.map(({ key }) => key))
  /** By container, over its restarts. */
  const followed = new Map()
  let reported = false
  let failedLooks = 0
  for (let containers = first; ; ) {
    for (const container of containers) {
      const state = followed.get(container.id) ?? newState()
      if (!isDue(container, state) || openCount(followed) >= maxContainers) continue
      followed.set(container.id, state)
      // What has begun later is printed from its beginning.
      void followContainer(container, state, atFirst.has(container.key) ? tail : '-1')
    }
    if (!reported && containers.length > maxContainers) {
      reported = true
      reportLeftOut(containers.length)
    }
    await sleep(lookIntervalMs)
    try {
      containers = containersOf(await findActivePods(request, summary))
      failedLooks = 0
    } catch (error) {
      failedLooks += 1
      if (failedLooks >= maxFailedLooks) throw error
    }
  }
}

/** `last`: the time of the last printed line. `key`: of the run of the container that was followed last. `open`: processes of kubectl. */
const newState = () => ({ key: null, open: 0, last: null, failures: 0, retryAtMs: 0 })

const openCount = (followed) => [...followed.values()].reduce((sum, { open }) => sum + open, 0)

/** A container that still runs is followed again: a connection may be cut, for example by a load balancer. */
function isDue({ key, isRunning }, state) {
  return state.key !== key || (isRunning && state.open === 0 && performance.now() >= state.retryAtMs)
}

/** Never rejects. */
async function followContainer(container, state, tail) {
  const startedAtMs = performance.now()
  const { last } = state
  state.key = container.key
  state.open += 1
  try {
    await printContainer(container, { tail, follow: true }, state)
  } catch (error) {
    console.error(maskSecrets(`kubectl: ${error.message}`))
  }
  const isShort = state.last === last && performance.now() - startedAtMs < shortFollowMs
  state.failures = isShort ? state.failures + 1 : 0
  state.retryAtMs = performance.now() + Math.min(lookIntervalMs * (2 ** state.failures - 1), maxRetryMs)
  state.open -= 1
}

/** → the containers that have started, with a key that changes at each restart. */
function containersOf(pods) {
  return pods.flatMap(({ metadata, status = {} }) =>
    [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
      .filter(({ state = {} }) => state.running !== undefined || state.terminated !== undefined)
      .map(({ name, restartCount, state }) => ({
        namespace: metadata.namespace,
        pod: metadata.name,
        name,
        isRunning: state.running !== undefined,
        id: `${metadata.uid} ${name}`,
        key: `${metadata.uid} ${name} ${restartCount}`,
      })),
  )
}

/**
 * Resolves when kubectl has ended: the container has ended, its pod is gone, or the connection is cut. Its messages are not the
 * app's, so they go to stderr. `state`: with --follow; lines up to `state.last` are not printed again.
 */
async function printContainer({ namespace, pod, name }, { tail, follow }, state = newState()) {
  const { last } = state
  const args = ['logs', '-n', namespace, pod, '-c', name, `--tail=${last === null ? tail : '-1'}`]
  if (follow) args.push('--follow', '--timestamps')
  if (last !== null) args.push(`--since-time=${last.text}`)
  const child = spawn(process.env.KUBECTL_BIN || 'kubectl', args, {
    env: { ...process.env, ...clusterEnvironment() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close').catch((error) => console.error(`kubectl: ${error.message}`))
  const print = async () => {
    for await (const line of readLines(child.stdout)) {
      const { time, text } = follow ? splitTimestamp(line) : { time: null, text: line }
      // The cluster compares whole seconds.
      if (time !== null && last !== null && time.ns <= last.ns) continue
      if (time !== null) state.last = time
      if (!process.stdout.write(`[${pod}/${name}] ${text}\n`)) await drained()
    }
  }
  const printErrors = async () => {
    for await (const line of readLines(child.stderr)) console.error(maskSecrets(line))
  }
  await Promise.all([print(), printErrors(), ended])
}

/** Of a line of kubectl --timestamps. `time`: null when the line has none, as those of kubectl itself. */
function splitTimestamp(line) {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: |$)/.exec(line)
  if (match === null) return { time: null, text: line }
  const [prefix, seconds, fraction = '', zone] = match
  const ns = BigInt(Date.parse(seconds + zone)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
  return { time: { text: prefix.trimEnd(), ns }, text: line.slice(prefix.length) }
}

let draining = null

/** All containers wait with one listener: Node warns of more than ten. */
function drained() {
  draining ??= once(process.stdout, 'drain').finally(() => {
    draining = null
  })
  return draining
}

function reportLeftOut(count) {
  if (count > maxContainers) console.error(`Only ${maxContainers} of ${count} containers are shown.`)
}
