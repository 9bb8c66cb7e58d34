/**
 * Events over Redis pub/sub: changed deployments, new output, requested cancels. An event may be lost, so every
 * receiver also polls or has a time limit. Published by functions/ and runner/.
 */
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type ChangeEvent, changeEvent } from '../../domain/event.ts'
import { type AppLogRequest, appLogRequest } from '../../domain/output/app-log-messages.ts'
import { channelNames } from './redis-keys.ts'

const outputAppended = z.object({ actionId: z.int(), seq: z.int() })
const cancelRequested = z.object({ actionId: z.int() })
/** `ended` false: its groups have changed. */
const sessionChanged = z.object({ tokenHash: z.string(), ended: z.boolean() })
export type SessionChanged = z.infer<typeof sessionChanged>
const checkEndRequested = z.object({ deploymentId: z.int() })
const queryAbandoned = z.object({ queryId: z.string() })
export type OutputAppended = z.infer<typeof outputAppended>

/** Always resolves, within the command timeout of Redis. Errors are ignored because receivers also poll. */
async function publish(redis: Redis, channel: string, message: unknown): Promise<void> {
  await redis.publish(channel, JSON.stringify(message)).catch(() => {})
}

export const publishChange = (redis: Redis, prefix: string, event: ChangeEvent) =>
  publish(redis, channelNames(prefix).changes, event)

export const publishOutput = (redis: Redis, prefix: string, appended: OutputAppended) =>
  publish(redis, channelNames(prefix).output, appended)

export const publishCancel = (redis: Redis, prefix: string, actionId: number) =>
  publish(redis, channelNames(prefix).cancel, { actionId })

/** An action of the deployment begins: the runner of a check ends it. */
export const publishCheckEnd = (redis: Redis, prefix: string, deploymentId: number) =>
  publish(redis, channelNames(prefix).checkEnds, { deploymentId })

/** The client of a script query has gone: the runner of the query ends it. Without this message its time limit does. */
export const publishAbandonedQuery = (redis: Redis, prefix: string, queryId: string) =>
  publish(redis, channelNames(prefix).abandonedQueries, { queryId })

export const publishSession = (redis: Redis, prefix: string, changed: SessionChanged) =>
  publish(redis, channelNames(prefix).sessions, changed)

export type EventHandlers = {
  /** `text` is the validated event as it was published; a server relays it without serializing it again. */
  onChange?: (event: ChangeEvent, text: string) => void
  onOutput?: (appended: OutputAppended) => void
  onCancel?: (actionId: number) => void
  onCheckEnd?: (deploymentId: number) => void
  onAbandonedQuery?: (queryId: string) => void
  onAppLogRequest?: (request: AppLogRequest) => void
  onSession?: (changed: SessionChanged) => void
}

/**
 * Receives events on `subscriber`, a connection of its own, until that is closed. ioredis subscribes again after a
 * reconnect. Ignores unreadable messages, for example of a newer version.
 */
export async function subscribe(subscriber: Redis, prefix: string, handlers: EventHandlers): Promise<void> {
  const names = channelNames(prefix)
  subscriber.on('message', (channel, text) => {
    if (channel === names.changes) {
      const event = parseMessage(changeEvent, text)
      if (event !== null) handlers.onChange?.(event, text)
    } else if (channel === names.output) {
      const appended = parseMessage(outputAppended, text)
      if (appended !== null) handlers.onOutput?.(appended)
    } else if (channel === names.cancel) {
      const cancel = parseMessage(cancelRequested, text)
      if (cancel !== null) handlers.onCancel?.(cancel.actionId)
    } else if (channel === names.checkEnds) {
      const end = parseMessage(checkEndRequested, text)
      if (end !== null) handlers.onCheckEnd?.(end.deploymentId)
    } else if (channel === names.abandonedQueries) {
      const abandoned = parseMessage(queryAbandoned, text)
      if (abandoned !== null) handlers.onAbandonedQuery?.(abandoned.queryId)
    } else if (channel === names.appLogRequests) {
      const request = parseMessage(appLogRequest, text)
      if (request !== null) handlers.onAppLogRequest?.(request)
    } else if (channel === names.sessions) {
      const changed = parseMessage(sessionChanged, text)
      if (changed !== null) handlers.onSession?.(changed)
    }
  })
  const wantedChannels = [
    ...(handlers.onChange ? [names.changes] : []),
    ...(handlers.onOutput ? [names.output] : []),
    ...(handlers.onCancel ? [names.cancel] : []),
    ...(handlers.onCheckEnd ? [names.checkEnds] : []),
    ...(handlers.onAbandonedQuery ? [names.abandonedQueries] : []),
    ...(handlers.onAppLogRequest ? [names.appLogRequests] : []),
    ...(handlers.onSession ? [names.sessions] : []),
  ]
  await subscriber.subscribe(...wantedChannels)
}

/** Parses JSON of this schema. Returns null for anything else. */
export function parseMessage<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
