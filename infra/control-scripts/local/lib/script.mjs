/**
 * What all executables of this folder share: they read their arguments (contract §3), do one thing, and end
 * with an exit code. A Refusal is one sentence on stderr and exit 1.
 */
import { parseArguments, Refusal } from './arguments.mjs'

/** create update archive unarchive check archive_check cleanup config_check info, and notifications. */
export function aboutDeployment(main) {
  return run(['project-name', 'base-domain', 'namespace', 'name'], main)
}

/** The four config scripts. */
export function aboutProject(main) {
  return run(['project-name', 'base-domain', 'namespace'], main)
}

/** `main` gets the request and returns its exit code; nothing is 0. */
export async function run(needed, main) {
  // The reader may have gone: that is no reason to leave work half done.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    process.exitCode = (await main(parseArguments(process.argv.slice(2), needed))) ?? 0
  } catch (error) {
    console.error(error instanceof Refusal || error.code ? error.message : error)
    process.exitCode = 1
  }
}
