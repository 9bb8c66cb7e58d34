/** What a server and a runner report alike: version, clock, connections, settings. Called by functions/doctor and runner/schedules. */
import { createHash } from 'node:crypto'
import { comparedSettings, type ProgramReport } from '../domain/doctor/program-report.ts'
import type { RunnerSettings, ServerSettings } from '../domain/settings.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import type { Database } from './pool.ts'
import { readServerState } from './postgres/server-state.ts'

type Program = {
  kind: ProgramReport['kind']
  name: string
  settings: Pick<ServerSettings & RunnerSettings, 'GIT_REVISION' | (typeof comparedSettings)[number]>
  /** How many connections to PostgreSQL it may open. */
  connections: number
  db: Database
}

const startedAtMs = Date.now()
const clockTimeoutMs = 2000

/** Never rejects. */
export async function describeProgram({ kind, name, settings, connections, db }: Program) {
  return {
    kind,
    name,
    version: settings.GIT_REVISION.slice(0, 40),
    node: process.version,
    startedAtMs,
    clockOffsetMs: await readClockOffset(db),
    connections,
    settings: Object.fromEntries(
      comparedSettings.map((setting) => [setting, digestOf(JSON.stringify(settings[setting]))]),
    ),
  }
}

/** The clock of this program less that of PostgreSQL; null when it does not answer. */
async function readClockOffset(db: Database): Promise<number | null> {
  const startedAt = Date.now()
  const state = await withTimeout(readServerState(db), clockTimeoutMs, () => null).catch(() => null)
  return state === null ? null : Math.round((startedAt + Date.now()) / 2 - state.timeMs)
}

export const digestOf = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('base64url').slice(0, 16)
}
