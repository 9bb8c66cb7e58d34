/** The settings of the script `notifications` and of webhooks. Part of domain/settings.ts. */
import { z } from 'zod'
import { count, type Setting } from './values.ts'

const linePattern = /^([a-z0-9][a-z0-9-]*(?:\.url)?)\s*=\s*(\S+)$/
/** Whole groups of four characters: what the library that signs decodes. */
const signingSecret =
  /^whsec_(?=[A-Za-z0-9+/]{22})(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** By the name before `=`; a name with several lines has several values, the first line first. */
const webhookSecrets = z
  .string()
  .default('')
  .transform((value, context) => {
    // Without a prototype: a webhook may be called constructor.
    const found: Record<string, string[]> = Object.create(null)
    const lines = value
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
    for (const [at, line] of lines.entries()) {
      const problem = problemOf(line)
      if (problem !== null) {
        // Not the line itself: it is a secret.
        context.addIssue({ code: 'custom', message: `line ${at + 1}: ${problem}` })
        return z.NEVER
      }
      const [, name = '', secret = ''] = linePattern.exec(line) ?? []
      found[name] = [...(found[name] ?? []), secret]
    }
    return found
  })

function problemOf(line: string): string | null {
  const [, name, secret = ''] = linePattern.exec(line) ?? []
  if (name === undefined) return 'is not NAME=whsec_… or NAME.url=https://…'
  if (name.endsWith('.url')) return /^https?:/.test(secret) && URL.canParse(secret) ? null : 'is not a URL'
  return signingSecret.test(secret) ? null : 'the secret is not whsec_ and at least 16 bytes in base64'
}

export const notificationSettings = {
  NOTIFICATION_CONCURRENCY: {
    description:
      'Maximum number of notifications scripts per runner at a time; a deployment has one at a time',
    parse: count(1, 4),
    programs: ['runner'],
  },
  WEBHOOK_SECRETS: {
    description:
      'Secrets of the webhooks of the policy, one a line: NAME=whsec_… signs (several while one is replaced), NAME.url=https://… is the address',
    parse: webhookSecrets,
    programs: ['runner'],
    secret: true,
  },
} as const satisfies Record<string, Setting>
