/** Tasks with many websockets: opens them, and measures how long a message takes to the last of them. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { WebSocket } from 'ws'
import { openSender } from './http-sender.ts'
import type { Tasks } from './tasks.ts'

const sockets = new Set<WebSocket>()
let onEvent = () => {}

export async function connect({
  events,
  clients,
  headers = [{}],
}: Tasks['connect']['in']): Promise<Tasks['connect']['out']> {
  // In small groups, because a burst of connections is not measured here.
  for (let opened = 0; opened < clients; opened += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, clients - opened) }, (_, at) =>
        open(events, headers[(opened + at) % headers.length]),
      ),
    )
  }
  return { clients: sockets.size }
}

async function open(events: string, headers: Record<string, string> = {}): Promise<void> {
  const socket = new WebSocket(events, { headers })
  socket.on('message', (data) => {
    if ((data as Buffer).includes('"event"')) onEvent()
  })
  await once(socket, 'open')
  sockets.add(socket)
}

export async function disconnect(): Promise<Tasks['disconnect']['out']> {
  for (const socket of sockets) socket.terminate()
  sockets.clear()
  return { clients: 0 }
}

export async function broadcast(given: Tasks['broadcast']['in']): Promise<Tasks['broadcast']['out']> {
  const redis = new Redis(given.redisUrl)
  const lastMs: number[] = []
  for (let sent = 0; sent < given.count; sent += 1) {
    let missing = sockets.size
    const all = new Promise<number>((resolve) => {
      onEvent = () => {
        missing -= 1
        if (missing === 0) resolve(performance.now())
      }
    })
    const sentAt = performance.now()
    void redis.publish(given.channel, given.message)
    lastMs.push((await all) - sentAt)
    await pause(20)
  }
  redis.disconnect()
  return { lastMs }
}

export async function firstEvent(given: Tasks['firstEvent']['in']): Promise<Tasks['firstEvent']['out']> {
  const sender = openSender(given.origin, 1)
  await connect({ events: given.events, clients: 1 })
  const latenciesMs: number[] = []
  let messages = 0
  for (const request of given.requests) {
    const first = new Promise<number>((resolve) => {
      onEvent = () => {
        messages += 1
        resolve(performance.now())
      }
    })
    const sentAt = performance.now()
    await sender.send(request, 200)
    latenciesMs.push((await first) - sentAt)
  }
  // More events of the last change may still arrive.
  await pause(50)
  await disconnect()
  await sender.close()
  return { latenciesMs, messages }
}
