/**
 * What all executables of the sets share: they read their arguments (contract §3), do one thing, and end
 * with an exit code. A Refusal is one sentence on stderr and exit 1.
 */
import { parseArguments, Refusal } from './arguments.mjs'
import { keepSecretsOf, masked } from './secrets.mjs'

/** create update archive unarchive check archive_check cleanup config_check info, and notifications. */
export function aboutDeployment(main, options) {
  return run(['project-name', 'base-domain', 'namespace', 'name'], main, options)
}

/** The four config scripts. */
export function aboutProject(main, options) {
  return run(['project-name', 'base-domain', 'namespace'], main, options)
}

/**
 * `main` gets the request and returns its exit code; nothing is 0. `refusals`: where they are said; config_check says
 * them on stdout, because that is what its user sees.
 */
export async function run(needed, main, { refusals = process.stderr } = {}) {
  // The reader may have gone: that is no reason to leave work half done.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    if (Map.groupBy === undefined)
      throw new Refusal(`These scripts need Node 21 or newer, not ${process.version}.`)
    const request = parseArguments(process.argv.slice(2), needed)
    keepSecretsOf(request)
    process.exitCode = (await main(request)) ?? 0
  } catch (error) {
    const words = error instanceof Refusal || error.code ? error.message : (error.stack ?? String(error))
    refusals.write(`${masked(words)}\n`)
    process.exitCode = 1
  }
}
