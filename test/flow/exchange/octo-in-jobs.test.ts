/** octo in CI jobs: it exchanges the ID token of the job by itself, and gets the next token in time. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import {
  githubJob,
  githubRule,
  gitlabJob,
  gitlabRule,
  octopodAudience,
} from '../../helpers/oidc/ci-issuer.ts'
import {
  type GithubTokenEndpoint,
  startGithubTokenEndpoint,
} from '../../helpers/oidc/github-token-endpoint.ts'
import { openEventStream } from '../../helpers/sse-client.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { runOcto, startOcto } from '../../octo/fake-server.ts'
import { type ExchangeSystem, exchange, startExchangeSystem } from './exchange-system.ts'

let all: ExchangeSystem
let github: GithubTokenEndpoint
before(async () => {
  all = await startExchangeSystem((issuer) => [githubRule(issuer), gitlabRule(issuer)])
  github = await startGithubTokenEndpoint(all.ci, githubJob)
})
after(async () => {
  await github.stop()
  await all.stop()
})

const inGithub = (): Record<string, string> => ({
  ...github.variables,
  OCTOPOD_URL: all.system.url,
  OCTOPOD_ID_TOKEN_AUDIENCE: octopodAudience,
})
const inGitlab = async (claims: Record<string, unknown> = gitlabJob): Promise<Record<string, string>> => ({
  CI: 'true',
  GITLAB_CI: 'true',
  OCTOPOD_URL: all.system.url,
  OCTOPOD_ID_TOKEN: await all.ci.sign(claims),
})
const admin = () => createApiClient(all.system.url)

/** Of the job that has exchanged last. */
async function newestTokenId(): Promise<number> {
  const { body } = await admin().api('GET', '/tokens?all=true')
  return Math.max(
    ...(body as { token_id: number; kind: string }[]).flatMap((one) =>
      one.kind === 'exchange' ? one.token_id : [],
    ),
  )
}

test('A job of GitHub Actions creates its deployment, and no other one', async () => {
  const created = await runOcto(inGithub(), 'create', '-n', 'pr-412', '--wait')
  assert.deepEqual([created.code, created.stdout], [0, ''], created.stderr)
  const who = await runOcto(inGithub(), 'whoami', '-o', 'json')
  const record = JSON.parse(who.stdout)
  assert.deepEqual(
    [record.actor, record.proof, record.role],
    ['github:dev1, acme/shop#412, run 99', 'exchange', 'developer'],
  )
  const refused = await runOcto(inGithub(), 'create', '-n', 'pr-413')
  assert.equal(refused.code, 6)
  assert.match(refused.stderr, /are for pr-412, not for pr-413/)
  assert.deepEqual((await runOcto(inGithub(), 'list')).stdout, 'pr-412\n')
})

test('A job of GitLab CI and a pod of Kubernetes send the token that they have', async () => {
  const updated = await runOcto(await inGitlab(), 'update', '-n', 'pr-412', '-e', 'image.tag=v2', '--wait')
  assert.equal(updated.code, 0, updated.stderr)
  const file = join(all.system.dir, 'id-token')
  await writeFile(file, `${await all.ci.sign(gitlabJob)}\n`)
  const fromFile = { OCTOPOD_URL: all.system.url, OCTOPOD_ID_TOKEN_FILE: file }
  assert.equal((await runOcto(fromFile, 'list')).stdout, 'pr-412\n')
  const missing = await runOcto({ ...fromFile, OCTOPOD_ID_TOKEN_FILE: '/nonexistent' }, 'list')
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /OCTOPOD_ID_TOKEN_FILE: \/nonexistent cannot be read/)
})

test('GitHub is asked for a token for the address of the server', async () => {
  const { OCTOPOD_ID_TOKEN_AUDIENCE: _, ...environment } = inGithub()
  const { code, stderr } = await runOcto(environment, 'list')
  assert.equal(github.audiences.at(-1), all.system.url)
  assert.equal(code, 6)
  assert.match(
    stderr,
    new RegExp(`made for ${all.system.url}\\. Request one for the audience ${octopodAudience}`),
  )
})

test('A credential wins over an ID token, and a context never gets one', async () => {
  const asked = github.audiences.length
  const { stdout } = await runOcto(
    { ...inGithub(), OCTO_AUTHORIZATION_HEADER: all.system.adminHeader },
    'whoami',
    '-o',
    'json',
  )
  assert.equal(JSON.parse(stdout).actor, 'admin')
  assert.equal(github.audiences.length, asked)
  assert.equal((await runOcto(inGithub(), 'ping')).code, 0)
  assert.equal(github.audiences.length, asked, 'ping needs no credential')
})

test('A refused ID token ends octo with its reason and exit code 6', async () => {
  const fork = await runOcto(await inGitlab({ ...gitlabJob, project_id: '77' }), 'list')
  assert.equal(fork.code, 6)
  assert.match(fork.stderr, /carries the project of the fork, which is not trusted/)
  assert.match(fork.stderr, /Ask an admin for a trust rule/)
  const expired = await runOcto(await inGitlab({ ...gitlabJob, exp: 1_700_000_000 }), 'list')
  assert.match(expired.stderr, /has expired/)
  const broken = await runOcto({ ...inGithub(), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'wrong' }, 'list')
  assert.equal(broken.code, 7)
  assert.match(broken.stderr, /GitHub Actions gave no ID token: it answered 401/)
  const insecure = await runOcto(
    { ...inGithub(), ACTIONS_ID_TOKEN_REQUEST_URL: 'http://192.0.2.1/?x=1' },
    'list',
  )
  assert.match(insecure.stderr, /no address with https/)
})

test('A job without an ID token learns why: a fork, or a missing permission', async () => {
  const event = join(all.system.dir, 'event.json')
  await writeFile(
    event,
    JSON.stringify({ pull_request: { head: { repo: { id: 2 } }, base: { repo: { id: 1 } } } }),
  )
  const bare = { OCTOPOD_URL: all.system.url, CI: 'true' }
  const inFork = {
    ...bare,
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: 'pull_request',
    GITHUB_EVENT_PATH: event,
  }
  const fork = await runOcto(inFork, 'list')
  assert.equal(fork.code, 6)
  assert.match(fork.stderr, /GitHub gives the jobs of pull requests from forks no ID token/)
  await writeFile(
    event,
    JSON.stringify({ pull_request: { head: { repo: { id: 1 } }, base: { repo: { id: 1 } } } }),
  )
  assert.match((await runOcto(inFork, 'list')).stderr, /give it the permission id-token: write/)
  assert.match(
    (await runOcto({ ...bare, GITLAB_CI: 'true' }, 'list')).stderr,
    new RegExp(`id_tokens: OCTOPOD_ID_TOKEN: aud: ${all.system.url}`),
  )
})

test('Where no job is trusted, octo goes on without a credential', async () => {
  const open = await all.system.startServer({ OCTOPOD_POLICY: '', ANONYMOUS_ROLE: 'developer' })
  const { stdout, stderr } = await runOcto({ ...inGithub(), OCTOPOD_URL: open.url }, 'whoami', '-o', 'json')
  assert.equal(JSON.parse(stdout).proof, 'anonymous', stderr)
  await open.stop()
})

test('octo gets another token when the server refuses the present one, while it waits and follows', async () => {
  const go = join(all.system.dir, 'go')
  const running = startOcto(
    inGithub(),
    'update',
    '-n',
    'pr-412',
    '-e',
    `behave.update=wait ${go}`,
    '--wait',
    '--follow',
  )
  await running.waitUntil(({ stderr }) => stderr.includes('waiting'))
  const asked = github.audiences.length
  assert.equal((await admin().api('DELETE', `/tokens/${await newestTokenId()}`)).status, 200)
  await waitFor('octo has asked for another ID token', async () => ({
    done: github.audiences.length > asked,
    value: null,
    seen: github.audiences.length,
  }))
  await writeFile(go, '')
  const { code, stderr } = await running.ended
  assert.equal(code, 0, stderr)
})

test('An open stream goes on to the end of its action after its token has ended; a websocket closes', async () => {
  const go = join(all.system.dir, 'go-on')
  const { body } = await exchange(all.system.url, await all.ci.sign(githubJob))
  // Before its first use, so that no server has read it.
  await withDatabase(all.system.databaseUrl, (client) =>
    client.query(`update access_tokens set expires_at = now() + interval '3 seconds'
      where id = (select max(id) from access_tokens where kind = 'exchange')`),
  )
  const headers = { Authorization: `Bearer ${body.access_token}` }
  const started = await admin().update('pr-412', { 'behave.update': `wait ${go}` })
  const actionId = Number(started.headers.get('octopod-action-id'))
  const stream = await openEventStream(`${all.system.url}/api/v1/actions/${actionId}/output/stream`, headers)
  const socket = await connectWebSocket(all.system.url, [], { headers })
  await stream.next()
  await waitFor(
    'the websocket closes',
    async () => ({ done: socket.closeCode() !== null, value: null, seen: socket.messages.length }),
    60_000,
  )
  assert.equal(socket.closeCode(), 1012)
  assert.equal((await fetch(`${all.system.url}/api/v1/whoami`, { headers })).status, 401)
  await writeFile(go, '')
  const rest = await stream.rest()
  assert.deepEqual(JSON.parse(rest.at(-1)?.data ?? '').state, 'succeeded')
})
