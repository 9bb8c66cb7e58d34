/**
 * Parses the arguments of a script. The config is in the file that OCTOPOD_CONFIG_FILE names, or in the arguments, as in
 * Octopod 1.6. Values may contain any character: newlines, quotes, a leading `-`.
 */
import { readFileSync } from 'node:fs'

/** An error whose message is one sentence for the user. It is printed without a stack trace. */
export class UserError extends Error {}

const singleValueOptions = [
  'project-name',
  'base-domain',
  'namespace',
  'name',
  'old-status',
  'new-status',
  'tail',
]
/** As long as NAME_MAX_LENGTH allows at most, which is the length of the name of a Helm release. */
const namePattern = /^[a-z][a-z0-9-]{1,52}$/

/** `configFile`: the path of the file, if there is one. `follow` and `tail` are for app_logs. → { 'project-name', …, application: Map, deployment: Map }. @throws UserError */
export function parseArguments(argv, requiredOptions, configFile) {
  const request = configFile ? readConfigFile(configFile) : { application: new Map(), deployment: new Map() }
  for (let index = 0; index < argv.length; index += 2) {
    // The only option without a value comes last.
    if (argv[index] === '--follow' && index === argv.length - 1) {
      request.follow = true
      break
    }
    const option = argv[index].startsWith('--') ? argv[index].slice(2) : null
    const value = argv[index + 1]
    if (value === undefined) throw new UserError(`${argv[index]} has no value.`)
    if (option === 'application-config') setPair(request.application, argv[index], value)
    else if (option === 'deployment-config') setPair(request.deployment, argv[index], value)
    else if (singleValueOptions.includes(option)) request[option] = value
    else throw new UserError(`${JSON.stringify(argv[index])} is not an option of this script.`)
  }
  for (const option of requiredOptions) {
    if (request[option] === undefined) throw new UserError(`--${option} is missing.`)
  }
  if (requiredOptions.includes('name') && !namePattern.test(request.name))
    throw new UserError(`--name ${JSON.stringify(request.name)} is not the name of a deployment.`)
  return request
}

/** The file has `{"application": [["KEY", "VALUE"], …], "deployment": […]}`. */
function readConfigFile(path) {
  try {
    const { application, deployment } = JSON.parse(readFileSync(path, 'utf8'))
    return { application: new Map(application), deployment: new Map(deployment) }
  } catch (error) {
    // The message of a wrong file would contain a part of its text.
    throw new UserError(
      `The config in ${path} (OCTOPOD_CONFIG_FILE) cannot be read: ${error.code ?? error.name}.`,
    )
  }
}

function setPair(config, option, pair) {
  const separator = pair.indexOf('=')
  if (separator < 1) throw new UserError(`${option} ${JSON.stringify(pair)} is not KEY=VALUE.`)
  config.set(pair.slice(0, separator), pair.slice(separator + 1))
}
