/**
 * Where the server is and who asks, read from the environment: OCTOPOD_URL, OCTO_AUTHORIZATION_HEADER and the
 * variables in which CI systems name a person. Called by command.ts before anything is sent.
 */
import { Failure } from './failure.ts'

export type Environment = Record<string, string | undefined>

export type Connection = {
  /** Scheme, host and port. */
  origin: string
  /** What comes before /api/v1: empty, or `/` and a path without a slash at its end. */
  prefix: string
  /** Never shown, in no message. */
  authorization: string | null
  /** Who asks, for the record of the action; null when nobody is known. */
  actor: string | null
}

const example = 'for example OCTOPOD_URL=https://octopod.example.com'

/** Throws a Failure of kind `settings`. */
export function readConnection(environment: Environment): Connection {
  return {
    ...readUrl(environment.OCTOPOD_URL),
    authorization: readAuthorization(environment.OCTO_AUTHORIZATION_HEADER),
    actor: readActor(environment),
  }
}

/** As Octopod 1.6: without a scheme it is http. */
function readUrl(given: string | undefined): Pick<Connection, 'origin' | 'prefix'> {
  const text = given?.trim() ?? ''
  if (text === '') {
    throw new Failure(
      'settings',
      'OCTOPOD_URL is not set.',
      `Set it to the address of your installation, ${example}`,
    )
  }
  const full = text.includes('://') ? text : `http://${text}`
  const url = /\s/.test(full) ? null : URL.parse(full)
  // The text itself is not repeated where it may hold a password.
  if (url === null) {
    throw new Failure('settings', 'OCTOPOD_URL is not a URL.', `It looks like this, ${example}`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Failure(
      'settings',
      `OCTOPOD_URL begins with ${url.protocol}// but octo speaks only http:// and https://.`,
      `Correct it, ${example}`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new Failure(
      'settings',
      'OCTOPOD_URL holds a user name or password.',
      'Take them out and put the credential into OCTO_AUTHORIZATION_HEADER, for example "Basic …".',
    )
  }
  if (url.search !== '' || url.hash !== '') {
    throw new Failure(
      'settings',
      'OCTOPOD_URL holds a ? or #.',
      `Only scheme, host and path belong there, ${example}`,
    )
  }
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
  return { origin: url.origin, prefix }
}

/** White space around it is dropped: secrets kept in files end with a new line. */
function readAuthorization(given: string | undefined): string | null {
  const text = given?.trim() ?? ''
  if (text === '') return null
  if (/[^\t\u0020-\u007e\u0080-\u00ff]/.test(text)) {
    throw new Failure(
      'settings',
      'OCTO_AUTHORIZATION_HEADER holds a character that no HTTP header can carry (such as a new line).',
      'Copy it again from your installation; its value is not shown here.',
    )
  }
  return text
}

/** CI first: there $USER is only the runner's account. */
const actorVariables = [
  'GITHUB_ACTOR',
  'GITLAB_USER_LOGIN',
  'BUILDKITE_BUILD_CREATOR',
  'CIRCLE_USERNAME',
  'BUILD_USER_ID', // Jenkins
  'BUILD_REQUESTEDFOR', // Azure Pipelines
  'USER',
  'LOGNAME',
  'USERNAME',
] as const

function readActor(environment: Environment): string | null {
  for (const variable of actorVariables) {
    const actor = environment[variable]?.trim()
    if (actor) return actor.slice(0, 100).toWellFormed()
  }
  return null
}
