/**
 * Prints the problems of a deployment's pods while a command waits for them, and deletes pods that block an update.
 * Called by create and update of helm and kubectl.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { getObjects, getObjectsByLabel, kubectl, mapWithLimit } from './kubectl.mjs'
import { describePodProblems, problemReason } from './pod-problems.mjs'
import { findActivePods } from './release-pods.mjs'

const firstLookMs = 5_000
const lookIntervalMs = 10_000
/** The time in which the controller of a StatefulSet sees its new version. */
const observedTimeoutMs = 10_000
const pollMs = 500

/** The problems of the pods now, as lines. `readSummary`: the installed manifests. Empty if they cannot be read. */
export async function readPodProblems(request, readSummary) {
  try {
    return await describePodProblems(await findActivePods(request, await readSummary()))
  } catch {
    return []
  }
}

/**
 * Runs `work` and prints each problem once. `work` gets a function that returns the problems for its error message: the
 * present ones, else the last ones, because a failed command may have removed its pods.
 */
export async function withPodReports(readProblems, work) {
  const printed = new Set()
  let last = []
  let timer
  let current = Promise.resolve()
  const look = async () => {
    const lines = await readProblems()
    if (lines.length > 0) last = lines
    const text = lines.join('\n')
    if (text !== '' && !printed.has(text)) console.log(text)
    printed.add(text)
    timer = setTimeout(start, lookIntervalMs)
  }
  const start = () => {
    current = look()
  }
  timer = setTimeout(start, firstLookMs)
  try {
    return await work(async () => {
      const lines = await readProblems()
      return lines.length > 0 ? lines : last
    })
  } finally {
    clearTimeout(timer)
    await current
    clearTimeout(timer)
  }
}

/**
 * A StatefulSet waits until its pods are ready before it updates them, so a pod with a problem would keep the old
 * version for ever. Such pods are deleted, and their volume claims stay.
 */
export async function deleteBlockedPods({ workloads }) {
  const sets = workloads.filter(({ kind }) => kind === 'StatefulSet')
  await mapWithLimit(sets, async (reference) => {
    const set = await readObserved(reference)
    if (set === undefined || set.spec?.updateStrategy?.type === 'OnDelete') return
    const selector = Object.entries(set.spec?.selector?.matchLabels ?? {})
      .map((pair) => pair.join('='))
      .join(',')
    if (selector === '') return
    for (const pod of await getObjectsByLabel('pods', reference.namespace, selector)) {
      const isOld = pod.metadata.labels?.['controller-revision-hash'] !== set.status?.updateRevision
      const reason = problemReason(pod)
      if (!isOld || reason === undefined || set.status?.updateRevision === undefined) continue
      await kubectl([
        'delete',
        'pod',
        pod.metadata.name,
        '-n',
        reference.namespace,
        '--ignore-not-found',
        '--wait=false',
      ])
      console.log(`Pod ${pod.metadata.name} of the last version does not start (${reason}); it is deleted.`)
    }
  })
}

/** The StatefulSet, when its status describes its present version. */
async function readObserved(reference) {
  const endsAtMs = Date.now() + observedTimeoutMs
  for (;;) {
    const [set] = await getObjects([reference])
    const isObserved = (set?.status?.observedGeneration ?? 0) >= (set?.metadata.generation ?? 0)
    if (set === undefined || isObserved || Date.now() > endsAtMs) return set
    await sleep(pollMs)
  }
}
