/**
 * Warns about an access token that ends within a week, once a day for each token. The server says the end in a header. Called by
 * api-command.ts.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Connection } from '../api/types.ts'

const dayMs = 86_400_000
const noticeDays = 7
/** A little less than a day, so that a daily job is warned each time. */
const repeatMs = 23 * 3_600_000

/** Null: nothing to say, or it was said today. */
export function tokenNotice(
  { authorization, isLogin }: Pick<Connection, 'authorization' | 'isLogin'>,
  expiresAt: string | null,
  environment: NodeJS.ProcessEnv,
  nowMs = Date.now(),
): string | null {
  const leftMs = Date.parse(expiresAt ?? '') - nowMs
  // A token of a CI job ends within minutes, and octo gets the next one.
  const isLasting = /^Bearer octopod_(pat|svc)_/.test(authorization ?? '')
  if (!isLasting || expiresAt === null || !(leftMs <= noticeDays * dayMs)) return null
  if (
    !isFirstToday(
      environment,
      createHash('sha256')
        .update(authorization ?? '')
        .digest('hex')
        .slice(0, 16),
      nowMs,
    )
  )
    return null
  const days = Math.floor(leftMs / dayMs)
  const when = days < 1 ? 'within a day' : days === 1 ? 'tomorrow' : `in ${days} days`
  const remedy = isLogin ? 'Log in again: octo login' : 'Create a new one: octo token create'
  return `warning: your access token ends ${when}, on ${expiresAt.slice(0, 16).replace('T', ' ')} UTC. ${remedy}`
}

/** Where nothing can be stored, every time is the first one. */
function isFirstToday(environment: NodeJS.ProcessEnv, key: string, nowMs: number): boolean {
  const path = noticesPath(environment)
  if (path === null) return true
  const before = readNotices(path)
  const saidAtMs = before[key]
  // A clock that was set back must not silence it for long.
  if (saidAtMs !== undefined && Math.abs(nowMs - saidAtMs) < repeatMs) return false
  const recent = Object.entries(before).filter(([, atMs]) => nowMs - atMs < noticeDays * dayMs)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const temporaryPath = `${path}.${process.pid}`
    writeFileSync(temporaryPath, JSON.stringify(Object.fromEntries([...recent, [key, nowMs]])), {
      mode: 0o600,
    })
    renameSync(temporaryPath, path)
  } catch {}
  return true
}

function noticesPath(environment: NodeJS.ProcessEnv): string | null {
  const home = environment.HOME?.trim() || environment.USERPROFILE?.trim()
  const base = environment.XDG_STATE_HOME?.trim() || (home ? join(home, '.local', 'state') : null)
  return base === null ? null : join(base, 'octo', 'token-notices.json')
}

function readNotices(path: string): Record<string, number> {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const entries = Object.entries(json as object)
    return Object.fromEntries(entries.filter(([, atMs]) => typeof atMs === 'number'))
  } catch {
    return {}
  }
}
