/** Runs `npm start` with stand-ins for the programs, as a process of its own, and listens to what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../../../infra/local/wait.ts'
import { freePort } from '../../helpers/free-port.ts'

export type Run = {
  process: ChildProcess
  /** Everything it said so far. */
  said(): string
  until(text: string | RegExp): Promise<void>
  /** Its exit code, or its signal. */
  end: Promise<number | string>
}

export type Place = { home: string; port: number; environment: Record<string, string> }

/** A folder and a port for one installation. Engines are those of the test run unless `embedded`. */
export async function place({ embedded = false } = {}): Promise<Place> {
  const home = join(mkdtempSync(join(tmpdir(), 'octopod-start-')), 'home')
  const port = await freePort()
  const engines = { DATABASE_URL: process.env.TEST_DATABASE_URL, REDIS_URL: process.env.TEST_REDIS_URL }
  const environment = { OCTOPOD_HOME: home, PORT: String(port), PATH: String(process.env.PATH) }
  return {
    home,
    port,
    environment: embedded ? environment : ({ ...environment, ...engines } as Place['environment']),
  }
}

export function leave({ home }: Place): void {
  rmSync(join(home, '..'), { recursive: true, force: true })
}

export function runStart({ environment }: Place, extra: Record<string, string> = {}): Run {
  const script = join(import.meta.dirname, 'programs/start.ts')
  const child = spawn(process.execPath, [script], { env: { ...environment, ...extra } })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += String(chunk)
    })
  }
  let ended = false
  const end = once(child, 'close').then(([code, signal]) => {
    ended = true
    return code ?? signal
  })
  return {
    process: child,
    said: () => text,
    end,
    until: async (wanted) => {
      const found = () => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))
      const came = await waitUntil(found, { timeoutMs: 30_000, stop: () => ended })
      if (!came && !found()) throw new Error(`never said ${wanted}, but:\n${text}`)
    },
  }
}

/** Process ids as npm start wrote them down. */
export function processes({ home }: Place): { name: string; pid: number }[] {
  return JSON.parse(readFileSync(join(home, 'processes.json'), 'utf8'))
}
