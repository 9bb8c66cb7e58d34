/** Hints over Redis pub/sub (law 7): what changed, where output grew, what is to be cancelled. May be lost. */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type ChangeEvent, changeEvent } from '../domain/event.ts'
import { channels } from './names.ts'

const outputGrew = z.object({ actionId: z.int(), seq: z.int() })
const cancelAsked = z.object({ actionId: z.int() })
export type OutputGrew = z.infer<typeof outputGrew>

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

/**
 * Listens on `subscriber` (kept for this) until it is closed; ioredis subscribes again after a reconnect. What cannot be
 * read, say of a newer version beside us, is lost as any hint may be: it must not end the process.
 */
export async function subscribe(subscriber: Redis, prefix: string, hints: Hints): Promise<void> {
  const names = channels(prefix)
  subscriber.on('message', (channel, text) => {
    if (channel === names.changes) {
      const event = readMessage(changeEvent, text)
      if (event !== null) hints.change?.(event, text)
    } else if (channel === names.output) {
      const grew = readMessage(outputGrew, text)
      if (grew !== null) hints.output?.(grew)
    } else if (channel === names.cancel) {
      const asked = readMessage(cancelAsked, text)
      if (asked !== null) hints.cancel?.(asked.actionId)
    }
  })
  const wanted = [
    ...(hints.change ? [names.changes] : []),
    ...(hints.output ? [names.output] : []),
    ...(hints.cancel ? [names.cancel] : []),
  ]
  await subscriber.subscribe(...wanted)
}

/** JSON of this shape; null for anything else. */
export function readMessage<T>(shape: z.ZodType<T>, text: string): T | null {
  try {
    return shape.parse(JSON.parse(text))
  } catch {
    return null
  }
}
