/**
 * The policy in use. Reads the file again after a change; an invalid file is rejected and the previous policy stays. The
 * database keeps the last accepted one, so that a server with an invalid file can start. Created by create-services.ts.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Database } from '../../../db/pool.ts'
import { readInstallation, savePolicy } from '../../../db/queries/access/installation.ts'
import { type Policy, parsePolicy } from '../../../domain/access/policy.ts'
import { SettingsError } from '../../../domain/settings/read-settings.ts'
import { cutList, cutText } from '../../../lib/cut-text.ts'

export type PolicyStatus = {
  file: string | null
  acceptedAt: Date | null
  /** Why the present file is not in use; empty when it is. */
  problems: readonly string[]
  /** Of the text of the policy in use; null without one. */
  sha256: string | null
}

export type PolicySource = {
  /** Null: OCTOPOD_POLICY is not set. */
  current(): Policy | null
  status(): PolicyStatus
  /** How many files were rejected since the start. */
  rejectedCount(): number
  onChange(listener: () => void): void
  /** Reads the file now; the timer calls it. */
  poll(): Promise<void>
  close(): void
}

export const noPolicy: PolicySource = {
  current: () => null,
  status: () => ({ file: null, acceptedAt: null, problems: [], sha256: null }),
  rejectedCount: () => 0,
  onChange: () => {},
  poll: async () => {},
  close: () => {},
}

const pollIntervalMs = 2000

/** Throws SettingsError when neither the file nor the database has a valid policy. */
export async function openPolicySource(file: string, db: Database, log: Logger): Promise<PolicySource> {
  const listeners: (() => void)[] = []
  let policy: Policy
  let sha256: string
  let acceptedAt = new Date()
  let problems: readonly string[] = []
  let rejected = 0
  /** Hash of the text that was judged last. */
  let judged = ''
  /** A file that is being written may be valid by chance: a new text counts when two polls have read it. */
  let seen = ''

  const reject = (found: readonly string[], message: string) => {
    problems = found
    rejected += 1
    log.error({ file, problems: found }, message)
  }
  const accept = async (text: string, parsed: Policy) => {
    policy = parsed
    sha256 = hashOf(text)
    acceptedAt = new Date()
    problems = []
    try {
      const { policy: previous } = await readInstallation(db)
      if (previous !== text)
        await savePolicy(db, text, { file, sha256, ...changedLines(previous ?? '', text) })
    } catch (error) {
      log.warn({ err: error }, 'the accepted policy was not stored')
    }
  }

  const first = await readText(file)
  const result = 'problem' in first ? { problems: [first.problem] } : parsePolicy(first.text)
  if ('policy' in result && 'text' in first) {
    judged = seen = hashOf(first.text)
    policy = result.policy
    await accept(first.text, result.policy)
  } else {
    const found = 'problems' in result ? result.problems : []
    const stored = (await readInstallation(db)).policy
    const previous = stored === null ? null : parsePolicy(stored)
    if (stored === null || previous === null || !('policy' in previous))
      throw new SettingsError(
        `OCTOPOD_POLICY: ${file} cannot be used:\n${found.map((one) => `  ${one}`).join('\n')}`,
      )
    policy = previous.policy
    sha256 = hashOf(stored)
    judged = seen = 'text' in first ? hashOf(first.text) : ''
    reject(found, 'policy file rejected; the last accepted policy is in use')
  }

  const poll = async () => {
    const read = await readText(file)
    const hash = 'text' in read ? hashOf(read.text) : read.problem
    const isStable = hash === seen
    seen = hash
    if (!isStable || hash === judged) return
    judged = hash
    const parsed = 'text' in read ? parsePolicy(read.text) : { problems: [read.problem] }
    if ('problems' in parsed)
      return reject(parsed.problems, 'policy file rejected; the previous policy stays in use')
    if ('text' in read) await accept(read.text, parsed.policy)
    log.info({ file, rules: parsed.policy.rules.length }, 'policy file accepted')
    for (const listener of listeners) listener()
  }
  let isPolling = false
  const timer = setInterval(() => {
    if (isPolling) return
    isPolling = true
    poll()
      .catch((error) => log.error({ err: error }, 'the policy file could not be read'))
      .finally(() => {
        isPolling = false
      })
  }, pollIntervalMs).unref()
  return {
    current: () => policy,
    status: () => ({ file, acceptedAt, problems, sha256 }),
    rejectedCount: () => rejected,
    onChange: (listener) => listeners.push(listener),
    poll,
    close: () => clearInterval(timer),
  }
}

const maxChangedLines = 50
/** Of the added and of the removed lines each: the database cuts details of 32 kB. */
const maxChangedBytes = 12_000

/** For the audit log. */
function changedLines(before: string, after: string) {
  const linesOf = (text: string) => text.split('\n').filter((line) => line.trim() !== '')
  const missingIn = (text: string, lines: readonly string[]) => {
    const known = new Set(linesOf(text))
    return lines.filter((line) => !known.has(line))
  }
  const cut = (lines: readonly string[]) =>
    cutList(
      lines.slice(0, maxChangedLines).map((line) => cutText(line, 200)),
      maxChangedBytes,
    )
  const [added, removed] = [missingIn(before, linesOf(after)), missingIn(after, linesOf(before))]
  return {
    added: cut(added),
    removed: cut(removed),
    added_count: added.length,
    removed_count: removed.length,
  }
}

async function readText(file: string): Promise<{ text: string } | { problem: string }> {
  try {
    return { text: await readFile(file, 'utf8') }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { problem: code === 'ENOENT' ? 'The file does not exist.' : `The file cannot be read: ${message}` }
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
