/**
 * Reads who sends the requests: ci-info recognizes the CI system, and variables of the system name a person and a run.
 * The server stores both with the action. Called by connection.ts.
 */
import { id, isCI, name } from 'ci-info'
import { escapeHiddenCharacters } from '../../lib/hidden-characters.ts'
import type { Requester } from './types.ts'

export function readRequester(environment: NodeJS.ProcessEnv): Requester {
  return {
    actor: findActor(environment),
    source: isCI ? 'ci' : 'octo',
    ciRun: isCI ? describeRun(environment) : null,
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

/** The address of the run by the id of the system in ci-info, which does not know it; undefined when a variable is missing. */
const runAddresses: Readonly<Record<string, (environment: NodeJS.ProcessEnv) => (string | undefined)[]>> = {
  GITHUB_ACTIONS: (env) => [
    env.GITHUB_SERVER_URL,
    '/',
    env.GITHUB_REPOSITORY,
    '/actions/runs/',
    env.GITHUB_RUN_ID,
  ],
  GITLAB: (env) => [env.CI_JOB_URL],
  BUILDKITE: (env) => [env.BUILDKITE_BUILD_URL],
  CIRCLE: (env) => [env.CIRCLE_BUILD_URL],
  JENKINS: (env) => [env.BUILD_URL],
  AZURE_PIPELINES: (env) => [
    env.SYSTEM_TEAMFOUNDATIONCOLLECTIONURI,
    env.SYSTEM_TEAMPROJECT,
    '/_build/results?buildId=',
    env.BUILD_BUILDID,
  ],
}

function findActor(environment: NodeJS.ProcessEnv): string | null {
  for (const variable of actorVariables) {
    const actor = environment[variable]?.trim()
    if (actor) return escapeHiddenCharacters(actor.slice(0, 100).toWellFormed())
  }
  return null
}

/** The name of the system, and the address of the run when all its parts are known. */
function describeRun(environment: NodeJS.ProcessEnv): string {
  const parts = (id === null ? undefined : runAddresses[id])?.(environment) ?? []
  const system = name ?? 'CI'
  const isKnown = parts.length > 0 && parts.every(Boolean)
  return isKnown ? escapeHiddenCharacters(`${system}: ${parts.join('')}`).slice(0, 1000) : system
}
