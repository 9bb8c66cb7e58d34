/**
 * Who asks, from where and why, for the record of the action: read from the variables in which CI systems name a
 * person and a run. Called by connection.ts.
 */

export type Requester = {
  /** Null when nobody is known. */
  actor: string | null
  source: 'octo' | 'ci'
  /** Where the run of the CI system can be looked at; null outside of CI. */
  runUrl: string | null
}

export function readRequester(environment: NodeJS.ProcessEnv): Requester {
  const system = ciSystems.find(({ variable }) => isSet(environment[variable]))
  return {
    actor: findActor(environment),
    source: system === undefined ? 'octo' : 'ci',
    runUrl: system === undefined ? null : describeRun(system, environment),
  }
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

type CiSystem = {
  variable: string
  name: string
  url(environment: NodeJS.ProcessEnv): (string | undefined)[]
}

/** `mark`: the variable that tells the system. `url`: the pieces of the address of the run; all or none. */
const ciSystems: readonly CiSystem[] = [
  {
    variable: 'GITHUB_ACTIONS',
    name: 'GitHub Actions',
    url: (env) => [env.GITHUB_SERVER_URL, '/', env.GITHUB_REPOSITORY, '/actions/runs/', env.GITHUB_RUN_ID],
  },
  { variable: 'GITLAB_CI', name: 'GitLab CI', url: (env) => [env.CI_JOB_URL] },
  { variable: 'BUILDKITE', name: 'Buildkite', url: (env) => [env.BUILDKITE_BUILD_URL] },
  { variable: 'CIRCLECI', name: 'CircleCI', url: (env) => [env.CIRCLE_BUILD_URL] },
  { variable: 'JENKINS_URL', name: 'Jenkins', url: (env) => [env.BUILD_URL] },
  {
    variable: 'TF_BUILD',
    name: 'Azure Pipelines',
    url: (env) => [
      env.SYSTEM_TEAMFOUNDATIONCOLLECTIONURI,
      env.SYSTEM_TEAMPROJECT,
      '/_build/results?buildId=',
      env.BUILD_BUILDID,
    ],
  },
  { variable: 'CI', name: 'CI', url: () => [] },
]

function findActor(environment: NodeJS.ProcessEnv): string | null {
  for (const variable of actorVariables) {
    const actor = environment[variable]?.trim()
    if (actor) return actor.slice(0, 100).toWellFormed()
  }
  return null
}

function describeRun({ name, url }: CiSystem, environment: NodeJS.ProcessEnv): string {
  const parts = url(environment)
  return parts.length > 0 && parts.every(isSet) ? `${name}: ${parts.join('')}`.slice(0, 1000) : name
}

const isSet = (text: string | undefined) => text !== undefined && text !== '' && text !== 'false'
