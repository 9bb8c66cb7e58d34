/**
 * Reads who sends the requests, from the variables in which CI systems name a person and a run. The server stores both
 * with the action. Called by connection.ts.
 */
import { escapeHiddenCharacters } from '../../lib/hidden-characters.ts'
import type { Requester } from './types.ts'

export function readRequester(environment: NodeJS.ProcessEnv): Requester {
  const system = ciSystems.find(({ variable }) => isSet(environment[variable]))
  return {
    actor: findActor(environment),
    source: system === undefined ? 'octo' : 'ci',
    ciRun: system === undefined ? null : describeRun(system, environment),
  }
}

/** CI systems first: there, $USER is only the account of the CI runner. */
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

/** `variable` identifies the system. `url`: parts of the address of the run, used only when all of them are set. */
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
    if (actor) return escapeHiddenCharacters(actor.slice(0, 100).toWellFormed())
  }
  return null
}

function describeRun({ name, url }: CiSystem, environment: NodeJS.ProcessEnv): string {
  const parts = url(environment)
  return parts.length > 0 && parts.every(isSet)
    ? escapeHiddenCharacters(`${name}: ${parts.join('')}`).slice(0, 1000)
    : name
}

const isSet = (text: string | undefined) => text !== undefined && text !== '' && text !== 'false'
