/** Every name we use in Redis, in one place. BullMQ builds its own keys below `prefix`. */
import { createHash } from 'node:crypto'

export const queueNames = { actions: 'actions', scriptQueries: 'questions' } as const

export const channelNames = (prefix: string) => ({
  /** Changed deployments, to every server. */
  changes: `${prefix}:changes`,
  /** "Action N has output up to chunk M", to servers that stream it. */
  output: `${prefix}:output`,
  /** "Action N is to be cancelled", to every runner. */
  cancel: `${prefix}:cancel`,
  /** Answers to the questions of one server. */
  replies: (server: string) => `${prefix}:answers:${server}`,
})

export const redisKeys = (prefix: string) => ({
  /** One cached answer of a config script. */
  scriptCache: (script: string, args: readonly string[]) =>
    `${prefix}:config:${script}:${createHash('sha256').update(JSON.stringify(args)).digest('base64url')}`,
  scriptCachePattern: `${prefix}:config:*`,
})
