/** A real runner without its loops, for tests that call its parts: a database, Redis and configurable control scripts. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readSettings } from '../../domain/settings/read-settings.ts'
import type { RunnerContext } from '../../runner/context.ts'
import { openRunner, type Runner } from '../../runner/open-runner.ts'
import type { OwnDatabase } from '../db/fixtures.ts'
import { redisPrefix, redisUrl } from '../helpers/datastores.ts'

export type TestRunner = {
  runner: Runner
  context: RunnerContext
  /** The folder in which scripts look for their behaviour and write their calls. */
  dir: string
  /** Sets the behaviour of a script of test/scripts/configurable. */
  setBehavior(script: string, behavior: string): Promise<void>
  /** The names of the scripts that were called for a deployment, in order. */
  calls(deployment: string): Promise<string[]>
  /** The same runner with some things replaced. */
  contextWith(more: Partial<RunnerContext>): RunnerContext
}

const scriptsDir = fileURLToPath(new URL('../scripts/configurable', import.meta.url))

/** Opened before the tests of one file and closed after them. */
export function useTestRunner(db: OwnDatabase, settings: Record<string, string> = {}): TestRunner {
  const all = {} as TestRunner
  before(async () => {
    await db.opened
    all.dir = await mkdtemp(join(tmpdir(), 'octopod-runner-'))
    process.env.OCTOPOD_TEST_DIR = all.dir
    const environment = {
      DATABASE_URL: db.url,
      REDIS_URL: redisUrl(),
      REDIS_PREFIX: redisPrefix(),
      CONTROL_SCRIPTS_DIR: scriptsDir,
      LOG_LEVEL: 'silent',
      KILL_GRACE: '1',
      SCRIPT_ENVIRONMENT: 'OCTOPOD_TEST_DIR',
      ...settings,
    }
    all.runner = await openRunner(readSettings('runner', environment))
    all.context = all.runner.context
  })
  after(async () => {
    all.runner?.interruptScripts()
    await all.runner?.close()
    if (all.dir !== undefined) await rm(all.dir, { recursive: true, force: true })
  })
  all.contextWith = (more) => ({ ...all.context, ...more })
  all.setBehavior = (script, behavior) => writeFile(join(all.dir, `do-${script}`), `${behavior}\n`)
  all.calls = async (deployment) => {
    const text = await readFile(join(all.dir, 'calls'), 'utf8').catch(() => '')
    return text
      .split('\n')
      .map((line) => line.split('\t'))
      .filter((line) => line[line.indexOf('--name') + 1] === deployment)
      .map(([script = '']) => script)
  }
  return all
}
