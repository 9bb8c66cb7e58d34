/** Runs the recipes of docs/ci.md unchanged against a real system: push, push again, merge. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import { createApiClient } from '../helpers/api-client.ts'
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
/** The variables of every CI system. */
let baseVariables: Variables
/** The requests to the fake GitLab API. */
const gitlabNotes: { path: string; token: string; body: string | null }[] = []

/** Serves octo for OCTO_DOWNLOAD, and is the fake GitLab API. */
const web = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  if (request.method === 'GET') {
    response.end(`#!/bin/sh\nexec ${octoCommand.map((word) => `'${word}'`).join(' ')} "$@"\n`)
    return
  }
  const body = new URLSearchParams(Buffer.concat(chunks).toString()).get('body')
  gitlabNotes.push({ path: request.url ?? '', token: String(request.headers['private-token']), body })
  response.writeHead(201).end('{}')
})

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octopod-test-ci-'))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  system = await startSystem({ env: { CHECK_INTERVAL: '1' } })
  await mkdir(join(folder, 'bin'))
  baseVariables = {
    PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    OCTOPOD_URL: system.url,
    OCTO_AUTHORIZATION_HEADER: system.adminHeader,
    OCTO_DOWNLOAD: `${webUrl()}/octo`,
  }
})
after(async () => {
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

test('GitHub Actions: each push creates or updates the deployment and comments the link, the merge cleans up', async () => {
  const workflow = parse(readRecipe('GitHub Actions', 'yaml')) as Workflow
  const commented = await createFakeProgram('gh')
  const event = (action: string, commit: string): Variables => ({
    'vars.OCTOPOD_URL': system.url,
    'vars.OCTO_DOWNLOAD': `${webUrl()}/octo`,
    'secrets.OCTO_AUTHORIZATION_HEADER': system.adminHeader,
    'github.event.action': action,
    'github.event.number': '7',
    'github.event.pull_request.head.sha': commit,
    'github.token': 'token',
    'github.repository': 'ann/app',
  })
  const { OCTOPOD_URL: _, OCTO_AUTHORIZATION_HEADER: __, OCTO_DOWNLOAD: ___, ...bare } = baseVariables
  const runner = { ...bare, CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_ACTOR: 'ann' }
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
    actions.map(({ action, claimed_actor }) => [action, claimed_actor]),
    [
      ['UpdateAction', 'ann'],
      ['CreateAction', 'ann'],
    ],
  )
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
    'secrets.OCTO_AUTHORIZATION_HEADER': system.adminHeader,
    'github.event.action': 'opened',
    'github.event.number': '8',
    'github.event.pull_request.head.sha': 'bad',
  }
  await system.setBehavior('create', 'fail no such image')
  const ran = await runWorkflow(workflow, context, baseVariables, folder)
  await system.setBehavior('create', '')
  assert.deepEqual(
    ran.map(({ code }) => code),
    [0, 1],
  )
  await assert.rejects(readFile(join(folder, 'gh-called')))
})

type GitlabJob = { before_script?: string[]; script: string[]; environment: { name: string; url?: string } }
type Gitlab = { variables: Variables; '.octo': GitlabJob; deploy: GitlabJob; 'clean-up': GitlabJob }

test('GitLab CI: each push creates or updates the deployment and notes the link, the merge cleans up', async () => {
  const file = parse(readRecipe('GitLab CI', 'yaml')) as Gitlab
  const jobFolder = await mkdtemp(join(folder, 'gitlab-'))
  const variablesOf = (commit: string): Variables => ({
    ...baseVariables,
    CI: 'true',
    GITLAB_CI: 'true',
    GITLAB_USER_LOGIN: 'bob',
    GITLAB_TOKEN: 'glpat',
    CI_API_V4_URL: webUrl(),
    CI_PROJECT_ID: '3',
    CI_MERGE_REQUEST_IID: '9',
    CI_COMMIT_SHA: commit,
  })
  const run = (job: GitlabJob, commit: string) => {
    const variables = variablesOf(commit)
    for (const [name, value] of Object.entries(file.variables))
      variables[name] = expandVariables(value, variables)
    const script = [...(file['.octo'].before_script ?? []), ...job.script].join('\n')
    return runScript(['bash', '-eo', 'pipefail'], script, variables, jobFolder)
  }
  for (const commit of ['c0ffee1', 'c0ffee2']) {
    assertSucceeded(await run(file.deploy, commit))
    assert.deepEqual(await tagOf('mr-9'), { tag: 'ValueAdded', contents: commit })
    const body = `mr-9 is up with ${commit}: https://mr-9.example.com`
    assert.deepEqual(gitlabNotes.at(-1), { path: '/projects/3/merge_requests/9/notes', token: 'glpat', body })
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
  const names = new Set<string>()
  for (const branch of ['feature/Login Page', 'feature/login-page', 'Ünïcode', '7']) {
    const ran = await runScript(['sh', script, 'deploy', branch, 'v1'], '', baseVariables, folder)
    const [, name = ''] = /^https:\/\/([a-z0-9-]+)\.example\.com$/m.exec(ran.output) ?? []
    assert.notEqual(name, '', ran.output)
    assert.deepEqual(await tagOf(name), { tag: 'ValueAdded', contents: 'v1' })
    names.add(name)
  }
  assert.equal(names.size, 4)
  assertSucceeded(await runScript(['sh', script, 'clean-up', '7'], '', baseVariables, folder))
  const remaining = (await createApiClient(system.url).api('GET', '/deployments')).body as {
    deployment: { name: string }
  }[]
  assert.equal(remaining.filter(({ deployment }) => names.has(deployment.name)).length, 3)
})
