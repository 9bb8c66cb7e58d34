/** octo on a terminal of script(1): what it draws, and that it restores the terminal. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { fakeServer, octoCommand, runOcto, success } from '../fake-server.ts'
import { fullInfo, info, summary } from '../wire-fixtures.ts'

type KeyboardInput = { when: string; what: string }

/** Returns everything that the terminal receives, and the exit code. */
async function runOnTerminal(
  environment: Record<string, string>,
  args: string[],
  typing?: KeyboardInput,
): Promise<{ code: number; text: string }> {
  const commandLine = [...octoCommand, ...args].map((word) => `'${word}'`).join(' ')
  const baseEnvironment = {
    PATH: process.env.PATH,
    TERM: 'xterm',
    SHELL: '/bin/sh',
    XDG_CONFIG_HOME: '/nonexistent',
  }
  const env = { ...baseEnvironment, ...environment }
  const child = spawn('script', ['-qec', commandLine, '/dev/null'], { env, timeout: 60_000 })
  let text = ''
  let wasTyped = false
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    text += piece
    if (typing === undefined || wasTyped || !text.includes(typing.when)) return
    wasTyped = true
    child.stdin.write(typing.what)
  })
  const [code] = await once(child, 'close')
  return { code, text }
}

const hasScript = (() => {
  try {
    // Other versions of script have other options.
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
})()

const escapeCharacter = '\u001b'
const colorSequence = new RegExp(`${escapeCharacter}\\[\\d+m`)
const running = { status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Running' } } }

suite('octo on a terminal', {
  concurrency: 3,
  skip: !hasScript && 'script of util-linux is not installed',
}, () => {
  test('list is a table with ages', async (t) => {
    const hourAgo = new Date(Date.now() - 3_600_000 - 60_000).toISOString()
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [fullInfo('feature-1', { ...running, updated_at: hourAgo })] },
    })
    const { code, text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['list'])
    assert.equal(code, 0)
    assert.match(text, /^NAME +STATUS +UPDATED +AGE +OWNER +LINK\r\nfeature-1 +Running +1h +\d+d +- +http:/)
    assert.match(
      (await runOnTerminal({ OCTOPOD_URL: fake.url }, ['list', '--status', 'Archived'])).text,
      /no such/,
    )
  })

  test('info names the links once, and the actions so', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': { body: fullInfo('feature-1') },
      'GET /api/v1/deployments/feature-1/info': { body: [info('feature-1')] },
    })
    const { text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['info', 'feature-1'])
    assert.equal(text.match(/http:\/\/feature-1\.localhost/g)?.length, 1)
    assert.match(text, /\r\nLast actions:\r\n/)
    assert.doesNotMatch(text, /Metadata|Last logs/)
  })

  for (const [answer, code] of [
    ['y', 0],
    ['n', 4],
  ] as const)
    test(`cleanup asks, and ${answer} ends it with exit code ${code}`, async (t) => {
      const fake = await fakeServer(t, { 'DELETE /api/v1/deployments/feature-1/cleanup': success })
      const typing = { when: '[y/N]', what: `${answer}\r` }
      const result = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['cleanup', 'feature-1'], typing)
      assert.match(result.text, /Delete feature-1 and its data permanently\? \[y\/N\]/)
      assert.equal(result.code, code)
      assert.equal(fake.requests.filter(({ method }) => method === 'DELETE').length, code === 0 ? 1 : 0)
    })

  test('cleanup does not ask whoever may not clean up', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/policy/explain': { body: { allowed: false, message: 'ben may not.', grants: [] } },
    })
    const { code, text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['cleanup', 'feature-1'])
    assert.deepEqual([code, text], [6, 'octo: ben may not.\r\n'])
    assert.deepEqual(
      fake.requests.map(({ query }) => query),
      ['right=cleanup&name=feature-1'],
    )
  })

  test('cleanup --yes does not ask', async (t) => {
    const fake = await fakeServer(t, { 'DELETE /api/v1/deployments/feature-1/cleanup': success })
    const { code, text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['cleanup', 'feature-1', '--yes'])
    assert.deepEqual([code, text], [0, ''])
  })

  test('A command for many asks with what would change, and sends only that', async (t) => {
    const labels = { team: 'shop' }
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': {
        body: ['a-1', 'a-2', 'b-1', 'c-1', 'd-1'].map((name) => fullInfo(name, { labels })),
      },
      'POST /api/v1/bulk': ({ body }) => {
        const { names } = body as { names: string[] }
        const lineOf = (name: string) => {
          if (name === 'b-1') return { name, outcome: 'unchanged' }
          if (name === 'c-1')
            return { name, outcome: 'refused', error: { code: 'forbidden', message: 'ann may not.' } }
          if (name === 'd-1')
            return { name, outcome: 'refused', error: { code: 'busy', message: 'd-1 is busy.' } }
          return { name, outcome: 'accepted', action_id: 7 }
        }
        const lines = names.map((name) => `${JSON.stringify(lineOf(name))}\n`)
        return { type: 'application/x-ndjson', body: `\n${lines.join('')}` }
      },
    })
    const typing = { when: '[y/N]', what: 'y\r' }
    const archive = ['archive', '-l', 'team=shop']
    const { code, text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, archive, typing)
    assert.match(
      text,
      /Archive 2 deployments \(a-1, a-2\)\? 1 needs no change, 1 you may not change, 1 is refused \(busy\)\. \[y\/N\]/,
    )
    assert.equal(code, 5)
    assert.match(text, /a-1 +accepted[\s\S]*b-1 +unchanged[\s\S]*c-1 +refused +- +ann may not/)
    const bodies = fake.requests.flatMap(({ body }) => (body === null ? [] : [body]))
    assert.deepEqual(bodies, [
      { operation: 'archive', names: ['a-1', 'a-2', 'b-1', 'c-1', 'd-1'], dry_run: true },
      { operation: 'archive', names: ['a-1', 'a-2'] },
    ])
  })

  test('A command for many asks nothing when nothing would change', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [fullInfo('b-1', { labels: { team: 'shop' } })] },
      'POST /api/v1/bulk': {
        type: 'application/x-ndjson',
        body: '\n{"name":"b-1","outcome":"unchanged"}\n',
      },
    })
    const { code, text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['archive', '-l', 'team=shop'])
    assert.equal(code, 0)
    assert.match(text, /nothing to do: 1 needs no change\.[\s\S]*b-1 +unchanged/)
    assert.equal(fake.requests.length, 2)
  })

  test('watch draws a table and restores the screen', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [fullInfo('feature-1', running)] },
    })
    const { code, text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['watch', '--timeout', '1s'])
    assert.equal(code, 0)
    assert.ok(
      text.startsWith(`${escapeCharacter}[?1049h${escapeCharacter}[?25l`),
      JSON.stringify(text.slice(0, 80)),
    )
    assert.match(text, /1 deployment · .* · Ctrl-C to quit/)
    assert.match(text, /NAME +STATUS[\s\S]*feature-1 +Running/)
    assert.ok(
      text.endsWith(`${escapeCharacter}[?25h${escapeCharacter}[?1049l`),
      JSON.stringify(text.slice(-80)),
    )
  })

  test('watch on a terminal says what it waits for', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [fullInfo('feature-1', running)] },
    })
    const args = ['watch', '-n', 'nope', '--timeout', '1s']
    const { text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, args)
    assert.match(text, /there is no deployment nope\. Waiting until it is created/)
    assert.doesNotMatch(text, /0 deployments/)
  })

  test('Waiting redraws one line, with colors only if they are allowed', async (t) => {
    let fetchCount = 0
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/x1/full_info': () => {
        fetchCount += 1
        return { body: fullInfo('x1', fetchCount < 2 ? { last_action: summary } : running) }
      },
    })
    const args = ['wait', '-n', 'x1', '--for', 'running']
    const { code, text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, args)
    assert.equal(code, 0, text)
    assert.match(text, new RegExp(`\\r${escapeCharacter}\\[K⠙ x1: .* is running`))
    assert.match(
      text,
      new RegExp(
        `\\r${escapeCharacter}\\[Kx1: Running ${escapeCharacter}\\[2m\\d+ s${escapeCharacter}\\[0m\\r\\n$`,
      ),
    )
    fetchCount = 0
    const plain = await runOnTerminal({ OCTOPOD_URL: fake.url, NO_COLOR: '1' }, args)
    assert.doesNotMatch(plain.text, colorSequence)
    const dumb = await runOnTerminal({ OCTOPOD_URL: fake.url, TERM: 'dumb' }, args)
    assert.equal(dumb.text, 'x1: Running\r\n')
  })

  test('What a script printed reaches the terminal without control sequences', async (t) => {
    const text = `${escapeCharacter}[31mError:${escapeCharacter}[0m no image\n`
    const at = '2026-03-01T10:00:00.000Z'
    const fake = await fakeServer(t, {
      'GET /api/v1/log/7': { body: { stdout: { un_stdout: text }, stderr: { un_stderr: '' } } },
      'GET /api/v1/actions/7/output/stream': {
        type: 'text/event-stream',
        body: `id: 1\nevent: chunk\ndata: ${JSON.stringify({ seq: 1, stream: 'stdout', text, at })}\n\nevent: end\ndata: {"state":"failed"}\n\n`,
      },
    })
    for (const args of [
      ['logs', '-a', '7', '-l', 'stdout'],
      ['logs', '-a', '7', '--follow'],
    ]) {
      const shown = await runOnTerminal({ OCTOPOD_URL: fake.url }, args)
      assert.equal(shown.code, 0)
      assert.match(shown.text, /^Error: no image\r\n/)
    }
    const piped = await runOcto({ OCTOPOD_URL: fake.url }, 'logs', '-a', '7', '--follow')
    assert.equal(piped.stdout, text)
  })

  test('Ctrl-C keeps the line and prints a message below', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/x1/full_info': { body: fullInfo('x1', { last_action: summary }) },
    })
    const input = { when: 'is running', what: '\u0003' }
    const { text } = await runOnTerminal({ OCTOPOD_URL: fake.url }, ['wait', '-n', 'x1'], input)
    assert.match(
      text,
      /x1: .* is running .*\r\n.*Stopped waiting; action 7 goes on\. Wait again: octo wait -a 7\. /s,
    )
  })
})
