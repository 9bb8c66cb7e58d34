/**
 * Reports what would differ after the move from Octopod 1.6: takes a copy of its database, which it migrates, and a
 * folder of its control scripts. Exit codes: 0 nothing differs, 1 something differs, 2 usage error. Started by hand.
 */
import { parseArgs } from 'node:util'
import type { Project } from '../../domain/script.ts'
import { settings } from '../../domain/settings.ts'
import { exitOnHelp } from '../../lib/node/help.ts'
import { locateScripts } from '../../runner/scripts/find-scripts.ts'
import { compareScripts } from './compare-scripts.ts'
import { describeDeployments, migrate, type OldDeployment, readOldDatabase } from './read-database.ts'

const usage = `npx node infra/rehearsal/main.ts --database URL [--scripts FOLDER] [--limit N]

Reports what would differ after the move from Octopod 1.6, without changing anything but the database of URL, which
must be a copy: it is migrated. For up to N deployments (default 20) that are not archived, the scripts of FOLDER that
change nothing run twice: with the whole environment, as in 1.6, and with the variables that Octopod 2 passes.

Run it with the environment of the old scripts. PROJECT_NAME, BASE_DOMAIN, NAMESPACE, ARCHIVE_RETENTION,
SCRIPT_ENVIRONMENT and the time limits mean the same as for Octopod 2.`

exitOnHelp(usage)
process.exitCode = await main()

async function main(): Promise<number> {
  // First: the arguments.
  const options = readArguments()
  if (typeof options === 'string') {
    console.error(`${options}\n\n${usage}`)
    return 2
  }
  const differences: string[] = []
  const report = (difference: string) => {
    differences.push(difference)
    console.log(difference)
  }

  // Then: the database, before and after its migration.
  let deployments: OldDeployment[]
  try {
    deployments = await readOldDatabase(options.database)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 2
  }
  const retentionMs = settings.ARCHIVE_RETENTION.parse.parse(process.env.ARCHIVE_RETENTION)
  for (const difference of describeDeployments(deployments, retentionMs, Date.now())) report(difference)
  for (const difference of await migrate(options.database, deployments)) report(difference)

  // Finally: the scripts.
  if (options.scripts !== null) {
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort('interrupted'))
    const scripts = locateScripts({ CONTROL_SCRIPTS_DIR: options.scripts })
    for (const error of scripts.errors) report(error)
    const isRunning = ({ status }: OldDeployment) => !['Archived', 'CleanupFailed'].includes(status)
    const chosen = deployments.filter(isRunning).slice(0, options.limit)
    await compareScripts({ scripts, project: readProject(), signal: stop.signal, report }, chosen)
  }
  console.log(
    `\n${deployments.length} deployments, ${differences.length} ${differences.length === 1 ? 'difference' : 'differences'}.`,
  )
  return differences.length > 0 ? 1 : 0
}

/** Returns an error message for wrong arguments. */
function readArguments(): { database: string; scripts: string | null; limit: number } | string {
  try {
    const { values } = parseArgs({
      options: {
        database: { type: 'string' },
        scripts: { type: 'string' },
        limit: { type: 'string', default: '20' },
      },
    })
    const limit = Number(values.limit)
    if (values.database === undefined) return '--database URL is needed.'
    if (!Number.isInteger(limit) || limit < 1)
      return `--limit ${values.limit} is not a number of deployments.`
    return { database: values.database, scripts: values.scripts ?? null, limit }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function readProject(): Project {
  const { PROJECT_NAME, BASE_DOMAIN, NAMESPACE } = settings
  return {
    projectName: PROJECT_NAME.parse.parse(process.env.PROJECT_NAME),
    baseDomain: BASE_DOMAIN.parse.parse(process.env.BASE_DOMAIN),
    namespace: NAMESPACE.parse.parse(process.env.NAMESPACE),
  }
}
