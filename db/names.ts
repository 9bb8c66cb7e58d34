/** Every name we use in Redis, in one place. BullMQ builds its own keys below `prefix`. */
import { createHash } from 'node:crypto'

export const queues = { actions: 'actions', questions: 'questions' } as const

export const channels = (prefix: string) => ({
  /** Changed deployments, to every server. */
  changes: `${prefix}:changes`,
  /** "Action N has output up to chunk M", to servers that stream it. */
  output: `${prefix}:output`,
  /** "Action N is to be cancelled", to every runner. */
  cancel: `${prefix}:cancel`,
  /** Answers to the questions of one server. */
  answers: (server: string) => `${prefix}:answers:${server}`,
})

export const keys = (prefix: string) => ({
  /** One cached answer of a config script. */
  cached: (script: string, args: readonly string[]) =>
    `${prefix}:config:${script}:${createHash('sha256').update(JSON.stringify(args)).digest('base64url')}`,
  cachedAll: `${prefix}:config:*`,
})
