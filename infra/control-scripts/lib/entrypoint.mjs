/**
 * The entry point of every executable: parses the arguments, runs the script and sets the exit code. A UserError prints
 * one sentence to stderr and sets exit code 1.
 */
import { parseArguments, UserError } from './arguments.mjs'
import { maskSecrets, registerSecretsOf } from './secrets.mjs'

/** Runs create, update, archive, unarchive, check, archive_check, cleanup, config_check, info or notifications. */
export function runDeploymentScript(main, options) {
  return runScript(['project-name', 'base-domain', 'namespace', 'name'], main, options)
}

/** Runs one of the four config scripts. */
export function runConfigScript(main, options) {
  return runScript(['project-name', 'base-domain', 'namespace'], main, options)
}

/**
 * `main` gets the parsed request and returns the exit code; undefined means 0. `errorStream`: where a UserError is
 * printed. config_check uses stdout, because the user sees only stdout.
 */
export async function runScript(requiredOptions, main, { errorStream = process.stderr } = {}) {
  // A closed pipe must not end the script in the middle of its work.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    if (Map.groupBy === undefined)
      throw new UserError(`These scripts need Node 21 or newer, not ${process.version}.`)
    const request = parseArguments(process.argv.slice(2), requiredOptions, process.env.OCTOPOD_CONFIG_FILE)
    registerSecretsOf(request)
    process.exitCode = (await main(request)) ?? 0
  } catch (error) {
    const message = error instanceof UserError || error.code ? error.message : (error.stack ?? String(error))
    errorStream.write(`${maskSecrets(message)}\n`)
    process.exitCode = 1
  }
}
