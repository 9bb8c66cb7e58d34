/**
 * The messages over Redis pub/sub and the websocket. They may be lost. Every event carries the revision of the
 * deployment, and a client ignores a revision older than the one it has.
 */
import { z } from 'zod'
import { pause } from './pauses/pause-endpoints.ts'
import { fullInfo } from './schemas.ts'

/** Published by the process that changed a deployment, relayed by every server to every page. */
export const changeEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('deployment'), name: z.string(), revision: z.int(), deployment: fullInfo }),
  z.object({ type: z.literal('deleted'), name: z.string(), revision: z.int() }),
])

const delayed = z.literal(true).optional()
const noRunner = z.literal(true).optional()
const paused = z.array(pause).optional()
const view = z.string().optional()

/**
 * From the server to one websocket client. `hello` comes first. `resync`: events may have been missed, fetch the list
 * again. `bye`: this server stops, connect again. `seq` counts the events and resyncs of this server, so a gap means a
 * loss; hello and heartbeat repeat the current number. `delayed`: Redis is unreachable, so the server polls the
 * database every few seconds and sends `resync` after a change. `no_runner`: no runner is connected, so actions wait. `paused`: what is paused for all deployments. `view`: which
 * deployments the client may see, as in the header of the list; another value means that the list must be read again.
 */
export const liveMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    seq: z.int(),
    heartbeat_ms: z.int(),
    delayed,
    no_runner: noRunner,
    paused,
    view,
  }),
  z.object({ type: z.literal('heartbeat'), seq: z.int(), delayed, no_runner: noRunner, paused, view }),
  z.object({ type: z.literal('resync'), seq: z.int(), view }),
  z.object({ type: z.literal('bye'), seq: z.int() }),
  z.object({ type: z.literal('event'), seq: z.int(), event: changeEvent }),
])

/** The action that runners may claim after this change; null: none. */
export function queuedActionOf(change: ChangeEvent): number | null {
  const last = change.type === 'deployment' ? change.deployment.last_action : null
  return last?.state === 'queued' ? last.action_id : null
}

export type ChangeEvent = z.infer<typeof changeEvent>
export type LiveMessage = z.infer<typeof liveMessage>
