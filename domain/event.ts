/**
 * What goes over Redis pub/sub and the websocket: hints that may be lost (law 7). Every event of a deployment
 * carries its revision; a client never shows an older one over a newer one.
 */
import { z } from 'zod'
import { fullInfo } from './schemas.ts'

/** From whoever changed a deployment, through every server, to every page. */
export const changeEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('deployment'), name: z.string(), revision: z.int(), deployment: fullInfo }),
  z.object({ type: z.literal('deleted'), name: z.string(), revision: z.int() }),
])

const delayed = z.literal(true).optional()

/** From the server to one websocket client. `hello` comes first; `resync` says: fetch the list again, events may
 * have been missed; `bye` that this server stops, connect again. `seq` counts the events and resyncs of this
 * server: a message that leaps ahead tells of a loss; hello and heartbeat repeat the present one. `delayed`: Redis is
 * away, so this server hears of changes only by looking every few seconds; then resync comes. */
export const liveMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), seq: z.int(), heartbeat_ms: z.int(), delayed }),
  z.object({ type: z.literal('heartbeat'), seq: z.int(), delayed }),
  z.object({ type: z.literal('resync'), seq: z.int() }),
  z.object({ type: z.literal('bye'), seq: z.int() }),
  z.object({ type: z.literal('event'), seq: z.int(), event: changeEvent }),
])

export type ChangeEvent = z.infer<typeof changeEvent>
export type LiveMessage = z.infer<typeof liveMessage>
