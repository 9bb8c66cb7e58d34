/**
 * Runs the recipes of docs/ci.md unchanged against a real system: push, push again, merge. The jobs prove themselves with ID tokens of a
 * local issuer, by the trust rules of the document.
 */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import { parsePolicy } from '../../domain/access/policy.ts'
import { createApiClient } from '../helpers/api-client.ts'
import {
  type CiIssuer,
  githubJob,
  gitlabJob,
  octopodAudience,
  startCiIssuer,
} from '../helpers/oidc/ci-issuer.ts'
import { type GithubTokenEndpoint, startGithubTokenEndpoint } from '../helpers/oidc/github-token-endpoint.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { octoCommand } from '../octo/fake-server.ts'
import {
  expandVariables,
  readRecipe,
  runScript,
  runWorkflow,
  type StepResult,
  type Variables,
  type Workflow,
} from './ci-recipes.ts'

let system: System
let folder: string
let ci: CiIssuer
let github: GithubTokenEndpoint
/** The variables of every CI system. */
let baseVariables: Variables

/** Serves octo for OCTO_DOWNLOAD. */
const web = createServer((_, response) => {
  response.end(`#!/bin/sh\nexec ${octoCommand.map((word) => `'${word}'`).join(' ')} "$@"\n`)
})

const policyWith = (trust: string) => `version: 1\nrules:\n  - { group: platform, role: admin }\n${trust}`

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octopod-test-ci-'))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  ci = await startCiIssuer()
  github = await startGithubTokenEndpoint(ci, {})
  const policy = join(folder, 'policy.yaml')
  const trust = readRecipe('Rules for these jobs', 'yaml')
  await writeFile(policy, policyWith(trust.replace(/issuer: .*/g, `issuer: ${ci.issuer}`)))
  system = await startSystem({ env: { CHECK_INTERVAL: '1', OCTOPOD_POLICY: policy, ANONYMOUS_ROLE: 'none' } })
  await mkdir(join(folder, 'bin'))
  baseVariables = {
    PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    OCTOPOD_URL: system.url,
    OCTO_DOWNLOAD: `${webUrl()}/octo`,
    OCTOPOD_ID_TOKEN_AUDIENCE: octopodAudience,
  }
})
after(async () => {
  await github?.stop()
  await ci?.stop()
  web.close()
  web.closeAllConnections()
  await system?.stop()
  await rm(folder, { recursive: true, force: true })
})

const webUrl = () => `http://127.0.0.1:${(web.address() as AddressInfo).port}`

const assertSucceeded = (ran: StepResult) => assert.equal(ran.code, 0, ran.output)

/** A fake program that records its arguments, one per line. → a function that reads them */
async function createFakeProgram(name: string): Promise<() => Promise<string[]>> {
  const [program, record] = [join(folder, 'bin', name), join(folder, `${name}-called`)]
  await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$@" > '${record}'\n`)
  await chmod(program, 0o755)
  return async () => (await readFile(record, 'utf8')).trimEnd().split('\n')
}

const tagOf = async (name: string) =>
  (await createApiClient(system.url).fullInfo(name)).deployment.app_overrides.find(
    ([key]) => key === 'image.tag',
  )?.[1]

const assertDeleted = async (name: string) =>
  assert.equal((await createApiClient(system.url).api('GET', `/deployments/${name}/full_info`)).status, 404)

test('The rules of the document are valid, and the recipes name no secret', () => {
  const result = parsePolicy(policyWith(readRecipe('Rules for these jobs', 'yaml')))
  assert.ok('policy' in result, JSON.stringify(result))
  assert.equal(result.policy.trust.length, 4)
  for (const heading of ['GitHub Actions', 'GitLab CI'])
    assert.doesNotMatch(readRecipe(heading, 'yaml'), /secrets\.|AUTHORIZATION|GITLAB_TOKEN/)
})

/** What GitHub says in the ID token of a job. A merged pull request runs on its base branch. */
function setGithubEvent(number: number, isMerged = false): void {
  const ref = isMerged ? 'refs/heads/main' : `refs/pull/${number}/merge`
  const workflow = `acme/shop/.github/workflows/staging.yaml@${ref}`
  github.setClaims({ ...githubJob, actor: 'ann', repository_id: '1234567', ref, workflow_ref: workflow })
}

test('GitHub Actions: each push creates or updates the deployment and comments the link, the merge cleans up', async () => {
  const workflow = parse(readRecipe('GitHub Actions', 'yaml')) as Workflow
  const commented = await createFakeProgram('gh')
  const event = (action: string, commit: string): Variables => ({
    'vars.OCTOPOD_URL': system.url,
    'vars.OCTO_DOWNLOAD': `${webUrl()}/octo`,
    'github.event.action': action,
    'github.event.number': '7',
    'github.event.pull_request.head.sha': commit,
    'github.token': 'token',
    'github.repository': 'ann/app',
  })
  const { OCTOPOD_URL: _, OCTO_DOWNLOAD: __, ...bare } = baseVariables
  const runner = { ...bare, ...github.variables, GITHUB_ACTOR: 'ann' }
  setGithubEvent(7)
  for (const [action, commit] of [
    ['opened', 'c0ffee1'],
    ['synchronize', 'c0ffee2'],
  ] as const) {
    const ran = await runWorkflow(workflow, event(action, commit), runner, folder)
    assert.equal(ran.length, 3)
    ran.map(assertSucceeded)
    assert.deepEqual(await tagOf('pr-7'), { tag: 'ValueAdded', contents: commit })
    const comment = `pr-7 is up with ${commit}: https://pr-7.example.com`
    assert.deepEqual(await commented(), [
      'pr',
      'comment',
      '7',
      '--edit-last',
      '--create-if-none',
      '--body',
      comment,
    ])
  }
  const actions = await createApiClient(system.url).actions('pr-7')
  assert.deepEqual(
    actions.map(({ action, actor, proof, claimed_actor }) => [action, actor, proof, claimed_actor]),
    [
      ['UpdateAction', 'github:ann, acme/shop#7, run 99', 'exchange', 'ann'],
      ['CreateAction', 'github:ann, acme/shop#7, run 99', 'exchange', 'ann'],
    ],
  )
  setGithubEvent(7, true)
  ;(await runWorkflow(workflow, event('closed', 'c0ffee2'), runner, folder)).map(assertSucceeded)
  await assertDeleted('pr-7')
  ;(await runWorkflow(workflow, event('closed', 'c0ffee2'), runner, folder)).map(assertSucceeded)
})

test('GitHub Actions: a failed deployment fails the step and writes no comment', async () => {
  const workflow = parse(readRecipe('GitHub Actions', 'yaml')) as Workflow
  await rm(join(folder, 'gh-called'), { force: true })
  const context = {
    'vars.OCTOPOD_URL': system.url,
    'vars.OCTO_DOWNLOAD': `${webUrl()}/octo`,
    'github.event.action': 'opened',
    'github.event.number': '8',
    'github.event.pull_request.head.sha': 'bad',
  }
  await system.setBehavior('create', 'fail no such image')
  setGithubEvent(8)
  const ran = await runWorkflow(workflow, context, { ...baseVariables, ...github.variables }, folder)
  await system.setBehavior('create', '')
  assert.deepEqual(
    ran.map(({ code }) => code),
    [0, 1],
  )
  await assert.rejects(readFile(join(folder, 'gh-called')))
})

type GitlabJob = { before_script?: string[]; script: string[]; environment: { name: string; url?: string } }
type Gitlab = {
  variables: Variables
  '.octo': GitlabJob & { id_tokens: Record<string, { aud: string }> }
  deploy: GitlabJob
  'clean-up': GitlabJob
}

test('GitLab CI: each push creates or updates the deployment and gives its link, the merge cleans up', async () => {
  const file = parse(readRecipe('GitLab CI', 'yaml')) as Gitlab
  const jobFolder = await mkdtemp(join(folder, 'gitlab-'))
  const variablesOf = (commit: string): Variables => ({
    ...baseVariables,
    CI: 'true',
    GITLAB_CI: 'true',
    GITLAB_USER_LOGIN: 'bob',
    CI_MERGE_REQUEST_IID: '9',
    CI_COMMIT_SHA: commit,
  })
  const run = async (job: GitlabJob, commit: string) => {
    const variables = variablesOf(commit)
    for (const [name, value] of Object.entries(file.variables))
      variables[name] = expandVariables(value, variables)
    // What GitLab makes of `id_tokens` and `environment` of the job.
    assert.deepEqual(file['.octo'].id_tokens, { OCTOPOD_ID_TOKEN: { aud: '$OCTOPOD_URL' } })
    const environment = expandVariables(job.environment.name, variables)
    variables.OCTOPOD_ID_TOKEN = await ci.sign({ ...gitlabJob, project_id: '42', environment })
    const script = [...(file['.octo'].before_script ?? []), ...job.script].join('\n')
    return runScript(['bash', '-eo', 'pipefail'], script, variables, jobFolder)
  }
  for (const commit of ['c0ffee1', 'c0ffee2']) {
    assertSucceeded(await run(file.deploy, commit))
    assert.deepEqual(await tagOf('mr-9'), { tag: 'ValueAdded', contents: commit })
    assert.equal(await readFile(join(jobFolder, 'deploy.env'), 'utf8'), 'LINK=https://mr-9.example.com\n')
  }
  assertSucceeded(await run(file['clean-up'], 'c0ffee2'))
  await assertDeleted('mr-9')
  assertSucceeded(await run(file['clean-up'], 'c0ffee2'))
})

test('Plain shell: deploy prints the link, works with any branch name, and clean-up removes the deployment', async () => {
  const script = join(folder, 'staging.sh')
  await writeFile(script, readRecipe('A plain shell', 'sh'))
  await writeFile(join(folder, 'bin/octo'), `#!/bin/sh\nexec ${octoCommand.join(' ')} "$@"\n`, {
    mode: 0o755,
  })
  const tokenFile = join(folder, 'id-token')
  const account = { aud: octopodAudience, sub: 'system:serviceaccount:builds:staging' }
  await writeFile(tokenFile, await ci.sign(account))
  const pod = { ...baseVariables, OCTOPOD_ID_TOKEN_FILE: tokenFile }
  const names = new Set<string>()
  for (const branch of ['feature/Login Page', 'feature/login-page', 'Ünïcode', '7']) {
    const ran = await runScript(['sh', script, 'deploy', branch, 'v1'], '', pod, folder)
    const [, name = ''] = /^https:\/\/([a-z0-9-]+)\.example\.com$/m.exec(ran.output) ?? []
    assert.notEqual(name, '', ran.output)
    assert.deepEqual(await tagOf(name), { tag: 'ValueAdded', contents: 'v1' })
    names.add(name)
  }
  assert.equal(names.size, 4)
  assertSucceeded(await runScript(['sh', script, 'clean-up', '7'], '', pod, folder))
  const remaining = (await createApiClient(system.url).api('GET', '/deployments')).body as {
    deployment: { name: string }
  }[]
  assert.equal(remaining.filter(({ deployment }) => names.has(deployment.name)).length, 3)
})
