/**
 * A websocket that reports when the action of a deployment has ended, as a page or a waiting CLI learns it.
 */
import { once } from 'node:events'
import { WebSocket } from 'ws'

export type ActionEndListener = {
  /** Resolves with performance.now() at the event. Rejects after 20 s. */
  waitForEnd(name: string): Promise<number>
  close(): Promise<void>
}

type Message = {
  event?: { name: string; deployment?: { last_action?: { finished_at?: string | null } | null } }
}

const timeoutMs = 20_000

export async function listenForActionEnds(events: string): Promise<ActionEndListener> {
  const socket = new WebSocket(events)
  const waiting = new Map<string, (at: number) => void>()
  socket.on('message', (data) => {
    const at = performance.now()
    const { event } = JSON.parse(String(data)) as Message
    if (event?.deployment?.last_action?.finished_at) waiting.get(event.name)?.(at)
  })
  await once(socket, 'open')
  return {
    waitForEnd: (name) => {
      const end = new Promise<number>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`the action of ${name} did not end`)), timeoutMs)
        waiting.set(name, (at) => {
          clearTimeout(late)
          waiting.delete(name)
          resolve(at)
        })
      })
      // The caller may fail before it awaits this promise; then only its own error is reported.
      end.catch(() => {})
      return end
    },
    close: async () => {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}
