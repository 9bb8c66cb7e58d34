/** Tasks that follow an action from the request to its end, one at a time or many at once. */
import { openSync } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { listenForActionEnds } from './action-end-listener.ts'
import { openSender } from './http-sender.ts'
import type { HttpRequest, Tasks } from './tasks.ts'

/** The pause between two actions, so that each meets an idle system. */
const pauseMs = 4

export async function actionLatency(
  given: Tasks['actionLatency']['in'],
): Promise<Tasks['actionLatency']['out']> {
  const sender = openSender(given.origin, 1)
  const ends = await listenForActionEnds(given.events)
  const calls = given.fifo === null ? null : listenToFifo(given.fifo)
  const acceptedMs: number[] = []
  const firstInstructionMs: number[] = []
  const endedMs: number[] = []
  for (const request of given.requests) {
    const called = calls?.next()
    const ended = ends.waitForEnd(nameOf(request))
    const sentAt = performance.now()
    await sender.send(request, 200)
    acceptedMs.push(performance.now() - sentAt)
    endedMs.push((await ended) - sentAt)
    if (called !== undefined) firstInstructionMs.push((await called) - sentAt)
    await pause(pauseMs)
  }
  calls?.close()
  await Promise.all([sender.close(), ends.close()])
  return { acceptedMs, firstInstructionMs, endedMs }
}

export async function actionThroughput(
  given: Tasks['actionThroughput']['in'],
): Promise<Tasks['actionThroughput']['out']> {
  const sender = openSender(given.origin, given.lanes)
  const ends = await listenForActionEnds(given.events)
  const idle = [...given.requests]
  const startedAt = performance.now()
  const countFrom = startedAt + given.ms / 4
  const until = startedAt + given.ms * 1.25
  let count = 0
  const lane = async () => {
    while (performance.now() < until) {
      const request = idle.shift()
      if (request === undefined) throw new Error('fewer deployments than lanes')
      const ended = ends.waitForEnd(nameOf(request))
      await sender.send(request, 200)
      const at = await ended
      idle.push(request)
      if (at >= countFrom && at <= until) count += 1
    }
  }
  await Promise.all(Array.from({ length: given.lanes }, lane))
  await Promise.all([sender.close(), ends.close()])
  return { perSecond: (count / given.ms) * 1000 }
}

const nameOf = ({ path }: HttpRequest) => path.split('/').at(-1) ?? ''

/** Reports at once when a script writes into the named pipe. */
function listenToFifo(fifo: string) {
  // Opened for reading and writing, so that it neither waits for a writer nor ends with one.
  const socket = new Socket({ fd: openSync(fifo, 'r+'), readable: true, writable: false })
  let onCall: ((at: number) => void) | null = null
  socket.on('data', () => onCall?.(performance.now()))
  return {
    next: () =>
      new Promise<number>((resolve) => {
        onCall = resolve
      }),
    close: () => socket.destroy(),
  }
}
