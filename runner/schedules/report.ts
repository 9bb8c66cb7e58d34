/** Reports about this runner, for the doctor: its version, its clock, its control scripts, its policy. Started by main.ts. */
import { hash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describeProgram, digestOf } from '../../db/describe-program.ts'
import { readInstallation } from '../../db/queries/access/installation.ts'
import { startReports } from '../../db/redis/program-reports.ts'
import { parsePolicy } from '../../domain/access/policy.ts'
import type { ProgramReport, ScriptsReport } from '../../domain/doctor/program-report.ts'
import { scriptNames } from '../../domain/script.ts'
import { manifestName } from '../../domain/scripts/manifest.ts'
import { cutText } from '../../lib/cut-text.ts'
import type { PeriodicTask } from '../../lib/periodic.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import type { RunnerContext } from '../context.ts'
import { locateScripts } from '../scripts/find-scripts.ts'

/** Of leases only (open-runner.ts). */
const leaseConnections = 2
const policyTimeoutMs = 2000
/** The content of a larger file is not compared, only its size. */
const maxComparedBytes = 1024 * 1024
const maxTexts = 10
const maxTextLength = 300

export function startRunnerReports(context: RunnerContext, runningCount: () => number): PeriodicTask {
  const { redis, settings, runnerName, db } = context
  const readPolicy = createPolicyReader(context)
  return startReports(redis, settings.REDIS_PREFIX, runnerName, async () => {
    const program = await describeProgram({
      kind: 'runner',
      name: runnerName,
      settings,
      connections: settings.DATABASE_POOL_SIZE + leaseConnections,
      db,
    })
    return {
      ...program,
      policy: program.clockOffsetMs === null ? { digest: null, problems: 0 } : await readPolicy(),
      underWay: runningCount(),
      scripts: await describeScripts(settings),
    }
  })
}

/** Of the policy that the servers have stored. It is parsed again only after a change. */
function createPolicyReader({ db }: RunnerContext): () => Promise<ProgramReport['policy']> {
  let known: { text: string | null; report: ProgramReport['policy'] } | null = null
  return async () => {
    const installation = await withTimeout(readInstallation(db), policyTimeoutMs, () => null).catch(
      () => null,
    )
    if (installation === null) return known?.report ?? { digest: null, problems: 0 }
    const text = installation.policy
    if (known === null || known.text !== text) known = { text, report: describePolicy(text) }
    return known.report
  }
}

function describePolicy(text: string | null): ProgramReport['policy'] {
  if (text === null) return { digest: null, problems: 0 }
  const parsed = parsePolicy(text)
  return { digest: hash('sha256', text), problems: 'problems' in parsed ? parsed.problems.length : 0 }
}

/** The scripts as they are now: they may have changed since the start. */
async function describeScripts(settings: RunnerContext['settings']): Promise<ScriptsReport> {
  const { errors, unknownManifestKeys, manifest, path } = locateScripts(settings)
  const files = scriptNames.flatMap((name) => path(name) ?? [])
  const folder = settings.CONTROL_SCRIPTS_DIR
  if (folder !== undefined) files.push(join(folder, manifestName))
  const contents = await Promise.all(files.map(readContent))
  const { onePipe, marksSecretKeys, config } = manifest
  return {
    digest: digestOf(...contents),
    manifest: JSON.stringify({ one_pipe: onePipe, secret_keys: marksSecretKeys, config }),
    problems: shorten(errors),
    unknownManifestKeys: shorten(unknownManifestKeys),
  }
}

const shorten = (texts: readonly string[]): string[] =>
  texts.slice(0, maxTexts).map((text) => cutText(text, maxTextLength))

async function readContent(file: string): Promise<string | Buffer> {
  try {
    const { size } = await stat(file)
    return size > maxComparedBytes ? String(size) : await readFile(file)
  } catch {
    return 'none'
  }
}
