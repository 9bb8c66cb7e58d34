/** Errors as users see them: the exit code, a message on stderr, and an empty stdout. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { errorBody, errorCodes } from '../../../domain/errors.ts'
import { type CommandResult, type FakeResponse, fakeServer, runOcto } from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

const secret = 'Bearer s3cr3t-value'

/** Checks the exit code and that stderr contains neither the credential nor a stack. */
function assertFailure({ code, stdout, stderr }: CommandResult, expected: number): string {
  assert.equal(code, expected)
  assert.equal(stdout, '')
  assert.match(stderr, /^octo: /)
  assert.doesNotMatch(stderr, /s3cr3t|node_modules|\n {4}at /)
  return stderr
}

async function archiveWithResponse(
  test: TestContext,
  response: FakeResponse,
  authorization = secret,
): Promise<string> {
  const fake = await fakeServer(test, { 'DELETE /api/v1/deployments/feature-1': response })
  const environment = { OCTOPOD_URL: fake.url, OCTO_AUTHORIZATION_HEADER: authorization }
  const result = await runOcto(environment, 'archive', '-n', 'feature-1')
  return assertFailure(result, expectedExitCode(response)).replaceAll(fake.url, 'URL')
}

/** Exit code 5, 6 or 7. */
function expectedExitCode({ status = 200, type = '', body }: FakeResponse): number {
  if (status === 401 || status === 403) return 6
  const isApiError = typeof body === 'object' && body !== null && 'tag' in body
  return status >= 400 && status < 500 && isApiError && type === '' ? 5 : 7
}

// The processes mostly wait.
suite('errors of octo', { concurrency: 4 }, () => {
  for (const [url, expectedMessage] of [
    [undefined, 'OCTOPOD_URL is not set.'],
    ['', 'OCTOPOD_URL is not set.'],
    ['http://', 'OCTOPOD_URL is not a URL.'],
    ['http://a b', 'OCTOPOD_URL is not a URL.'],
    ['http://host:99999', 'OCTOPOD_URL is not a URL.'],
    ['ftp://host', 'OCTOPOD_URL begins with ftp://, but octo supports only http:// and https://.'],
    ['https://ann:s3cr3t@host', 'OCTOPOD_URL contains a user name or password.'],
    ['https://host/?token=s3cr3t', 'OCTOPOD_URL contains a ? or #.'],
  ] as const) {
    test(`OCTOPOD_URL ${JSON.stringify(url)}`, async () => {
      const stderr = assertFailure(await runOcto(url === undefined ? {} : { OCTOPOD_URL: url }, 'list'), 2)
      assert.equal(stderr.split('\n')[0], `octo: ${expectedMessage}`)
      assert.match(stderr, /https:\/\/octopod\.example\.com|OCTO_AUTHORIZATION_HEADER/)
    })
  }

  test('A credential that is no valid header is rejected without being printed', async () => {
    const environment = { OCTOPOD_URL: 'http://127.0.0.1:1', OCTO_AUTHORIZATION_HEADER: 's3cr3t\nline' }
    assert.match(
      assertFailure(await runOcto(environment, 'list'), 2),
      /OCTO_AUTHORIZATION_HEADER contains a character/,
    )
  })

  test('White space around the credential is removed', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body: [] } })
    await runOcto({ OCTOPOD_URL: fake.url, OCTO_AUTHORIZATION_HEADER: `${secret}\n` }, 'list')
    assert.equal(fake.requests[0]?.headers.authorization, secret)
  })

  test('The port is closed', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const stderr = assertFailure(await runOcto({ OCTOPOD_URL: `http://127.0.0.1:${port}/x` }, 'list'), 7)
    assert.equal(
      stderr,
      `octo: cannot reach http://127.0.0.1:${port}/x: nothing listens there (connection refused).\nCheck OCTOPOD_URL, and that the server is up.\n`,
    )
  })

  test('After a broken connection the message says that the result of a write is unknown', async (t) => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(
      0,
      '127.0.0.1',
    )
    t.after(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    const writeError = assertFailure(await runOcto({ OCTOPOD_URL: url }, 'archive', '-n', 'feature-1'), 7)
    assert.match(
      writeError,
      /the connection broke before the response[\s\S]*It is unknown whether the request was carried out/,
    )
    assert.doesNotMatch(assertFailure(await runOcto({ OCTOPOD_URL: url }, 'list'), 7), /carried out/)
  })

  test('The server speaks no HTTP, or no TLS', async (t) => {
    // The client may close the connection in any way.
    const mailServer = createServer((socket) =>
      socket.on('error', () => {}).end('220 mail.example.com ESMTP\r\n'),
    )
    const server = mailServer.listen(0, '127.0.0.1')
    t.after(() => server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const address = `127.0.0.1:${(server.address() as { port: number }).port}`
    assert.match(
      assertFailure(await runOcto({ OCTOPOD_URL: `http://${address}` }, 'list'), 7),
      /does not speak HTTP/,
    )
    assert.match(
      assertFailure(await runOcto({ OCTOPOD_URL: `https://${address}` }, 'list'), 7),
      /does not speak TLS/,
    )
  })

  for (const [code, message] of [
    ['no_such_deployment', 'Deployment feature-1 not found.'],
    ['busy', 'Deployment feature-1 is currently being processed.'],
    ['invalid_transition', 'Deployment feature-1 is Archived: archive needs Running.'],
    ['forbidden', 'Only an admin may do this.'],
    ['shutting_down', 'This server is shutting down.'],
    ['idempotency_key_reused', 'The Idempotency-Key was used for another request.'],
    ['script_query_timeout', 'No runner answered.'],
    ['script_failed', 'config_check failed: no cluster'],
    ['service_unavailable', 'The database is not reachable.'],
    ['too_large', 'At most 10 MiB.'],
  ] as const) {
    test(`The message for ${code} is followed by its remedy`, async (t) => {
      const { status, remedy } = errorCodes[code]
      const stderr = await archiveWithResponse(t, { status, body: errorBody(code, message) })
      assert.equal(stderr.split('\n', 2).join('\n'), `octo: ${message}\n${remedy}`)
    })
  }

  test('A status that does not fit is explained in the words of the page, with the command that helps', async (t) => {
    const advice = {
      'feature-1 is CreatePending: archive needs it to be Running.':
        'The page calls that status "Creating". feature-1 waits for its health check: wait too (octo wait feature-1), or end the wait (octo stop-waiting feature-1).',
      'feature-1 is ArchivePending: restore needs it to be Archived.':
        'The page calls that status "Archiving". Wait until it is archived: octo wait feature-1 --for archived',
      'feature-1 is Archived: archive needs it to be Running.': 'There is nothing to do.',
      'feature-1 is Archived: update needs it to be Running.': 'Restore it first: octo restore feature-1',
      'feature-1 is CleanupFailed: restore needs it to be Archived.':
        'The page calls that status "Cleanup failed". Only its cleanup can be repeated: octo cleanup feature-1',
      'feature-1 is Running: cleanup needs it to be Archived.': 'Archive it first: octo archive feature-1',
    }
    for (const [message, expected] of Object.entries(advice)) {
      const body = errorBody('invalid_transition', `Deployment ${message}`)
      const stderr = await archiveWithResponse(t, { status: 409, body })
      assert.equal(stderr, `octo: Deployment ${message}\n${expected}\n`)
    }
  })

  test('An internal error is printed with its request id', async (t) => {
    const headers = { 'X-Request-Id': 'r-42' }
    const stderr = await archiveWithResponse(t, {
      status: 500,
      headers,
      body: errorBody('internal', 'Something broke.'),
    })
    assert.match(stderr, /^octo: Something broke\.\nReport it with the request id; .* Request id: r-42\n$/)
  })

  test('Name errors and errors without a code, as Octopod 1.6 sent them', async (t) => {
    const names = { status: 400, body: { tag: 'ValidationError', name_field: ['Too short.', 'Taken.'] } }
    assert.match(await archiveWithResponse(t, names), /^octo: Too short\.\nTaken\.\n/)
    const app = {
      status: 409,
      body: { tag: 'AppError', error_message: 'The deployment is currently being processed.' },
    }
    assert.match(
      await archiveWithResponse(t, app),
      /currently being processed\.\nWait for the running action/,
    )
  })

  test('The message of config_check arrives as plain text', async (t) => {
    const body = 'image.tag v9 does not exist.\nThere are: v1, v2\n'
    const fake = await fakeServer(t, { 'POST /api/v1/deployments': { status: 400, body } })
    const stderr = assertFailure(
      await runOcto({ OCTOPOD_URL: fake.url }, 'create', '-n', 'feature-1', '-e', 'image.tag=v9'),
      5,
    )
    assert.equal(
      stderr,
      'octo: image.tag v9 does not exist.\nThere are: v1, v2\nChange the config as the config_check script asks.\n',
    )
  })

  test('Control characters of a server do not reach the terminal', async (t) => {
    const stderr = await archiveWithResponse(t, {
      status: 409,
      body: errorBody('busy', 'red \u001b[31m bell \u0007 end'),
    })
    assert.match(stderr, /^octo: red {2}bell {2}end\n/)
  })

  test('The message for 401 says whether the credential is missing or wrong', async (t) => {
    const refused = { status: 401, body: errorBody('unauthenticated', 'Not signed in.') }
    assert.match(
      await archiveWithResponse(t, refused),
      /The value of OCTO_AUTHORIZATION_HEADER was not accepted/,
    )
    assert.match(await archiveWithResponse(t, refused, ''), /OCTO_AUTHORIZATION_HEADER is not set/)
    const proxy = { status: 401, type: 'text/html', body: '<html>401</html>' }
    assert.match(
      await archiveWithResponse(t, proxy),
      /URL answered 401 \(credential missing or wrong\)\.\nThe value of/,
    )
  })

  test('Responses of proxies: 502, 503 and 504 as web pages or without content', async (t) => {
    for (const status of [502, 503, 504]) {
      const page = await archiveWithResponse(t, { status, type: 'text/html', body: '<html>nginx</html>' })
      assert.match(
        page,
        new RegExp(`^octo: URL answered ${status} \\(.*\\)\\.\nTry again in a minute: Octopod or a proxy`),
      )
      assert.match(await archiveWithResponse(t, { status, body: '' }), /Try again in a minute/)
      assert.equal(
        await archiveWithResponse(t, { status, body: 'no healthy upstream' }),
        'octo: no healthy upstream\nTry again in a minute. If that does not help: Check OCTOPOD_URL.\n',
      )
    }
  })

  test('Responses of other programs: web pages, other JSON, no content, a login page', async (t) => {
    for (const [response, expectedMessage] of [
      [
        { type: 'text/html', body: '<!doctype html><title>Hello</title>' },
        /answered 200 with a web page: this is not/,
      ],
      [
        { status: 404, type: 'text/html', body: '<html>404' },
        /answered 404 with a web page: this is not the API/,
      ],
      [{ status: 404, body: { message: 'no Route matched' } }, /answered 404 without JSON|not the API/],
      [{ body: '' }, /answered 200 without content: this is not the API/],
      [{ body: 'pong' }, /answered 200 without JSON/],
      [
        { body: { message: 'ok' }, headers: { 'octopod-version': '' } },
        /answered 200 without saying that it is Octopod 2\.\nCheck OCTOPOD_URL, .* same version/,
      ],
      [
        { status: 302, headers: { location: 'https://login.example.com/start?ticket=s3cr3t' }, body: '' },
        /redirects to https:\/\/login\.example\.com\/start\.\nWrite https:\/\/ in OCTOPOD_URL/,
      ],
      [
        { status: 307, headers: { location: '/login?next=s3cr3t' }, body: '' },
        /redirects to URL\/login\.\nSet OCTOPOD_URL/,
      ],
    ] as [FakeResponse, RegExp][]) {
      const stderr = await archiveWithResponse(t, response)
      assert.match(stderr, expectedMessage)
    }
  })

  test('A server of another version of the API is rejected, before anything is read from it', async (t) => {
    for (const version of ['1.0', '3.1', 'x']) {
      const body = [fullInfo('feature-1')]
      const headers = { 'octopod-version': version }
      const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body, headers } })
      const stderr = assertFailure(await runOcto({ OCTOPOD_URL: fake.url }, 'list', '-o', 'json'), 7)
      assert.match(stderr, /without saying that it is Octopod 2\..*same version/s)
    }
  })

  test('info of a missing deployment', async (t) => {
    const missing = { status: 404, body: errorBody('no_such_deployment', 'Deployment nope not found.') }
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/nope/info': missing,
      'GET /api/v1/deployments/none/info': { body: [] },
    })
    for (const name of ['nope', 'none']) {
      assert.match(
        assertFailure(await runOcto({ OCTOPOD_URL: fake.url }, 'info', '-n', name), 5),
        new RegExp(`^octo: Deployment ${name} not found\\.\n`),
      )
    }
  })
})
