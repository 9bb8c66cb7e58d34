/** The credential of a CI job in the process of the test: retries of the exchange, and servers that need no credential. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createApiClient } from '../../../octo/api/client.ts'
import { readConnection } from '../../../octo/api/connection.ts'
import { CliError } from '../../../octo/errors/cli-error.ts'
import { type FakeResponse, type FakeServer, fakeServer, type RecordedRequest } from '../fake-server.ts'

type Answer = FakeResponse | ((request: RecordedRequest, count: number) => FakeResponse)

/** Answers of GitHub, of POST /token, and of the list of names. */
type Answers = { github?: Answer; exchange?: Answer; names?: Answer }

const failure = (status: number, code: string, message = code): FakeResponse => ({
  status,
  body: { tag: 'AppError', error_message: message, code },
})
const tokenNumber = (count: number): FakeResponse => ({
  body: {
    access_token: `octopod_job_${count}`,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 900,
    role: 'developer',
    names: ['*'],
  },
})

async function startJob(t: TestContext, answers: Answers, retries = '0') {
  const counted = (answer: Answer) => {
    let count = 0
    return (request: RecordedRequest) => {
      count += 1
      return typeof answer === 'function' ? answer(request, count) : answer
    }
  }
  const server = await fakeServer(t, {
    'GET /github': counted(answers.github ?? ((_, count) => ({ body: { value: `id-token-${count}` } }))),
    'POST /api/v1/token': counted(answers.exchange ?? ((_, count) => tokenNumber(count))),
    'GET /api/v1/deployment_names': counted(answers.names ?? { body: ['one'] }),
  })
  const connect = (environment: Record<string, string>) => {
    const client = createApiClient(
      readConnection({ OCTOPOD_URL: server.url, OCTO_RETRIES: retries, ...environment }),
    )
    t.after(() => client.close())
    const list = () => client.call('listDeploymentNames', {})
    return { list, fail: () => failed(list()) }
  }
  const inGithub = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${server.url}/github?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of the job',
  }
  return { server, connect, github: connect(inGithub) }
}

async function failed(call: Promise<unknown>): Promise<CliError> {
  const error: unknown = await call.then(
    () => null,
    (reason) => reason,
  )
  assert.ok(error instanceof CliError, String(error))
  return error
}

const countOf = ({ requests }: FakeServer, path: string) =>
  requests.filter((request) => request.path === path).length
const idTokensOf = ({ requests }: FakeServer) =>
  requests.flatMap(({ path, body }) =>
    path === '/api/v1/token' ? [(body as { subject_token: string }).subject_token] : [],
  )

test('A failing exchange is tried as often as any request, each time with another ID token of GitHub', async (t) => {
  const { server, github } = await startJob(t, { exchange: failure(503, 'service_unavailable') }, '2')
  assert.equal((await github.fail()).code, 'service_unavailable')
  assert.deepEqual(idTokensOf(server), ['id-token-1', 'id-token-2', 'id-token-3'])
  assert.equal(countOf(server, '/api/v1/deployment_names'), 0)
})

test('A server that shuts down is asked again, and not without a credential', async (t) => {
  const exchange: Answer = (_, count) => (count === 1 ? failure(405, 'shutting_down') : tokenNumber(count))
  const { server, github } = await startJob(t, { exchange }, '1')
  assert.deepEqual(await github.list(), ['one'])
  assert.equal(server.requests.at(-1)?.headers.authorization, 'Bearer octopod_job_2')
})

test('A refused token is renewed, also when the first exchange of the renewal fails', async (t) => {
  const exchange: Answer = (_, count) =>
    count === 2 ? failure(503, 'service_unavailable') : tokenNumber(count)
  const names: Answer = ({ headers }) =>
    headers.authorization === 'Bearer octopod_job_3' ? { body: ['one'] } : failure(401, 'unauthenticated')
  const { server, github } = await startJob(t, { exchange, names }, '1')
  assert.deepEqual(await github.list(), ['one'])
  assert.equal(idTokensOf(server).length, 3)
})

test('An ID token that counts once and was used has a hint of its own', async (t) => {
  const message = 'This ID token was exchanged before, and its trust rule lets it count once (single_use).'
  const { connect } = await startJob(t, { exchange: failure(400, 'id_token_rejected', message) })
  const { kind, remedy } = await connect({ OCTOPOD_ID_TOKEN: 'used' }).fail()
  assert.equal(kind, 'not_allowed')
  assert.match(remedy ?? '', /An earlier command has used it, or the answer to that was lost/)
  assert.doesNotMatch(remedy ?? '', /that matches the job/)
})

test('Where everybody may act, octo goes on without an ID token of GitHub', async (t) => {
  const refused = await startJob(t, { github: { status: 403, body: {} } })
  assert.deepEqual(await refused.github.list(), ['one'])
  assert.equal(refused.server.requests.at(-1)?.headers.authorization, undefined)
  assert.equal(countOf(refused.server, '/api/v1/token'), 0)
  const unavailable = await startJob(t, { github: { status: 503, body: {} } }, '1')
  assert.deepEqual(await unavailable.github.list(), ['one'])
  assert.equal(countOf(unavailable.server, '/github'), 2)
})

test('Where a credential is needed, a missing ID token is the error', async (t) => {
  const { github, connect } = await startJob(t, {
    github: { status: 403, body: {} },
    names: failure(401, 'unauthenticated'),
  })
  const error = await github.fail()
  assert.equal(error.kind, 'unreachable')
  assert.match(error.message, /GitHub Actions gave no ID token: it answered 403/)
  // Set for octo, unlike the variables of GitHub.
  const file = await connect({ OCTOPOD_ID_TOKEN_FILE: '/nonexistent' }).fail()
  assert.equal(file.kind, 'settings')
})

test('Without trust rules or without the endpoint, octo goes on without a credential', async (t) => {
  for (const exchange of [
    failure(400, 'no_trust_rules'),
    failure(404, 'not_found'),
    { status: 405, body: '' },
    { status: 404, type: 'text/html', body: '<html>' },
  ]) {
    const open = await startJob(t, { exchange })
    assert.deepEqual(await open.github.list(), ['one'])
    const closed = await startJob(t, { exchange, names: failure(401, 'unauthenticated', 'Sign in first.') })
    const { kind, message } = await closed.github.fail()
    assert.equal(kind, 'not_allowed')
    assert.match(message, exchange.status === 400 ? /no_trust_rules/ : /Sign in first/)
  }
})
