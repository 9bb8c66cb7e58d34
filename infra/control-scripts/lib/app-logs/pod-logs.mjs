/**
 * Implements app_logs: prints the lines of all containers of a deployment, each with the names of its pod and container.
 * With --follow it looks for new pods and restarted containers. Called by helm/app_logs and kubectl/app_logs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterEnvironment } from '../kubernetes/kubectl.mjs'
import { findActivePods } from '../kubernetes/release-pods.mjs'
import { maskSecrets } from '../secrets.mjs'
import { endWithReader } from './end-with-reader.mjs'

/** Each container that is followed needs a process of kubectl. */
const maxContainers = 20
const lookIntervalMs = 5_000
/** The cluster may be unreachable for a moment. */
const maxFailedLooks = 6

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
  const seen = new Set()
  const open = new Set()
  let reported = false
  let failedLooks = 0
  for (let containers = first, count = tail; ; ) {
    for (const container of containers) {
      if (seen.has(container.key) || open.size >= maxContainers) continue
      seen.add(container.key)
      open.add(container.key)
      // What has begun later is printed from its beginning.
      void printContainer(container, { tail: count, follow: true }).finally(() => open.delete(container.key))
    }
    if (!reported && containers.length > maxContainers) {
      reported = true
      reportLeftOut(containers.length)
    }
    await sleep(lookIntervalMs)
    count = '-1'
    try {
      containers = containersOf(await findActivePods(request, summary))
      failedLooks = 0
    } catch (error) {
      failedLooks += 1
      if (failedLooks >= maxFailedLooks) throw error
    }
  }
}

/** → the containers that have started, with a key that changes at each restart. */
function containersOf(pods) {
  return pods.flatMap(({ metadata, status = {} }) =>
    [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
      .filter(({ state = {} }) => state.running !== undefined || state.terminated !== undefined)
      .map(({ name, restartCount }) => ({
        namespace: metadata.namespace,
        pod: metadata.name,
        name,
        key: `${metadata.uid} ${name} ${restartCount}`,
      })),
  )
}

/** Resolves when kubectl has ended: the container has ended, or its pod is gone. Its messages are not the app's, so they go to stderr. */
async function printContainer({ namespace, pod, name }, { tail, follow }) {
  const args = ['logs', '-n', namespace, pod, '-c', name, `--tail=${tail}`, ...(follow ? ['--follow'] : [])]
  const child = spawn(process.env.KUBECTL_BIN || 'kubectl', args, {
    env: { ...process.env, ...clusterEnvironment() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close').catch((error) => console.error(`kubectl: ${error.message}`))
  const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })
  const print = async () => {
    for await (const line of lines) {
      if (!process.stdout.write(`[${pod}/${name}] ${line}\n`)) await once(process.stdout, 'drain')
    }
  }
  createInterface({ input: child.stderr }).on('line', (line) => console.error(maskSecrets(line)))
  await Promise.all([print(), ended])
}

function reportLeftOut(count) {
  if (count > maxContainers) console.error(`Only ${maxContainers} of ${count} containers are shown.`)
}
