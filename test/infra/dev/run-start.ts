/** Runs `npm start` with fake programs as a child process and collects its output. Used by start.test.ts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pollUntil } from '../../../lib/node/poll-until.ts'
import { freePort } from '../../../lib/node/ports.ts'

export type Run = {
  process: ChildProcess
  /** All output so far. */
  output(): string
  waitForOutput(text: string | RegExp): Promise<void>
  /** The exit code, or the signal. */
  end: Promise<number | string>
}

export type Installation = { dataDir: string; port: number; environment: Record<string, string> }

/** A folder and a port for one installation. It uses PostgreSQL and Redis of the test run unless `embedded`. */
export async function createInstallation({ embedded = false } = {}): Promise<Installation> {
  const dataDir = join(mkdtempSync(join(tmpdir(), 'octopod-start-')), 'home')
  const port = await freePort()
  const datastores = { DATABASE_URL: process.env.TEST_DATABASE_URL, REDIS_URL: process.env.TEST_REDIS_URL }
  const environment = { OCTOPOD_HOME: dataDir, PORT: String(port), PATH: String(process.env.PATH) }
  return {
    dataDir,
    port,
    environment: embedded ? environment : ({ ...environment, ...datastores } as Installation['environment']),
  }
}

export function removeInstallation({ dataDir }: Installation): void {
  rmSync(join(dataDir, '..'), { recursive: true, force: true })
}

export function runStart({ environment }: Installation, extra: Record<string, string> = {}): Run {
  const script = join(import.meta.dirname, 'fake-programs/start.ts')
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
    output: () => text,
    end,
    waitForOutput: async (expected) => {
      const found = () => (typeof expected === 'string' ? text.includes(expected) : expected.test(text))
      const isFound = await pollUntil(found, { timeoutMs: 30_000, shouldStop: () => ended })
      if (!isFound && !found()) throw new Error(`${expected} is not in the output:\n${text}`)
    },
  }
}

/** The processes in processes.json. */
export function recordedProcesses({ dataDir }: Installation): { name: string; pid: number }[] {
  return JSON.parse(readFileSync(join(dataDir, 'processes.json'), 'utf8'))
}
