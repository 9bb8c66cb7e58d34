/** Hints over Redis pub/sub (law 7): what changed, where output grew, what is to be cancelled. May be lost. */
import type { Redis } from 'ioredis'
import { type ChangeEvent, changeEvent } from '../domain/event.ts'
import { channels } from './names.ts'

export type OutputGrew = { actionId: number; seq: number }

/** Publishes and forgets: a lost hint is caught up by whoever polls. Resolves always, within Redis' command timeout. */
async function publish(redis: Redis, channel: string, message: unknown): Promise<void> {
  await redis.publish(channel, JSON.stringify(message)).catch(() => {})
}

export const publishChange = (redis: Redis, prefix: string, event: ChangeEvent) =>
  publish(redis, channels(prefix).changes, event)

export const publishOutput = (redis: Redis, prefix: string, grew: OutputGrew) =>
  publish(redis, channels(prefix).output, grew)

export const publishCancel = (redis: Redis, prefix: string, actionId: number) =>
  publish(redis, channels(prefix).cancel, { actionId })

export type Hints = {
  /** `text` is the event as it was published, checked, to be passed on without being made again. */
  change?: (event: ChangeEvent, text: string) => void
  output?: (grew: OutputGrew) => void
  cancel?: (actionId: number) => void
}

/** Listens on `subscriber` (kept for this) until it is closed; ioredis subscribes again after a reconnect. */
export async function subscribe(subscriber: Redis, prefix: string, hints: Hints): Promise<void> {
  const names = channels(prefix)
  subscriber.on('message', (channel, text) => {
    if (channel === names.changes) hints.change?.(changeEvent.parse(JSON.parse(text)), text)
    else if (channel === names.output) hints.output?.(JSON.parse(text))
    else if (channel === names.cancel) hints.cancel?.(JSON.parse(text).actionId)
  })
  const wanted = [
    ...(hints.change ? [names.changes] : []),
    ...(hints.output ? [names.output] : []),
    ...(hints.cancel ? [names.cancel] : []),
  ]
  await subscriber.subscribe(...wanted)
}
