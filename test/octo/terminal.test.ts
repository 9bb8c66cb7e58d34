/** octo on a terminal, which script(1) gives it: what is drawn, and that the terminal is left as it was. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { fakeServer, octoCommand } from './fake-server.ts'
import { fullInfo, summary } from './wire.ts'

type Typing = { when: string; what: string }

/** Everything the terminal is sent, and the exit code. */
async function onTerminal(
  environment: Record<string, string>,
  args: string[],
  typing?: Typing,
): Promise<{ code: number; text: string }> {
  const words = [...octoCommand, ...args].map((word) => `'${word}'`).join(' ')
  const always = { PATH: process.env.PATH, TERM: 'xterm', SHELL: '/bin/sh', XDG_CONFIG_HOME: '/nonexistent' }
  const env = { ...always, ...environment }
  const child = spawn('script', ['-qec', words, '/dev/null'], { env, timeout: 60_000 })
  let text = ''
  let typed = false
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    text += piece
    if (typing === undefined || typed || !text.includes(typing.when)) return
    typed = true
    child.stdin.write(typing.what)
  })
  const [code] = await once(child, 'close')
  return { code, text }
}

const hasScript = (() => {
  try {
    // The one of util-linux; others take other options.
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
})()

const esc = '\u001b'
const colour = new RegExp(`${esc}\\[\\d+m`)
const running = { status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Running' } } }

suite('octo on a terminal', {
  concurrency: 3,
  skip: !hasScript && 'there is no script of util-linux',
}, () => {
  test('watch takes the screen for its table, and gives it back', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [fullInfo('feature-1', running)] },
    })
    const { code, text } = await onTerminal({ OCTOPOD_URL: fake.url }, ['watch', '--timeout', '1s'])
    assert.equal(code, 0)
    assert.ok(text.startsWith(`${esc}[?1049h${esc}[?25l`), JSON.stringify(text.slice(0, 80)))
    assert.match(text, /1 deployment · .* · Ctrl-C ends/)
    assert.match(text, /NAME +STATUS[\s\S]*feature-1 +Running/)
    assert.ok(text.endsWith(`${esc}[?25h${esc}[?1049l`), JSON.stringify(text.slice(-80)))
  })

  test('waiting is one line that is drawn anew, dim only where colours are wanted', async (t) => {
    let looks = 0
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/x1/full_info': () => {
        looks += 1
        return { body: fullInfo('x1', looks < 2 ? { last_action: summary } : running) }
      },
    })
    const waiting = ['wait', '-n', 'x1', '--for', 'running']
    const { code, text } = await onTerminal({ OCTOPOD_URL: fake.url }, waiting)
    assert.equal(code, 0, text)
    assert.match(text, new RegExp(`\\r${esc}\\[K⠙ x1: .* is running`))
    assert.match(text, new RegExp(`\\r${esc}\\[Kx1: Running ${esc}\\[2m\\d+ s${esc}\\[0m\\r\\n$`))
    looks = 0
    const plain = await onTerminal({ OCTOPOD_URL: fake.url, NO_COLOR: '1' }, waiting)
    assert.doesNotMatch(plain.text, colour)
    const dumb = await onTerminal({ OCTOPOD_URL: fake.url, TERM: 'dumb' }, waiting)
    assert.equal(dumb.text, 'x1: Running\r\n')
  })

  test('Ctrl-C leaves the line that was drawn, and a sentence below it', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/x1/full_info': { body: fullInfo('x1', { last_action: summary }) },
    })
    const typing = { when: 'is running', what: '\u0003' }
    const { text } = await onTerminal({ OCTOPOD_URL: fake.url }, ['wait', '-n', 'x1'], typing)
    assert.match(
      text,
      /x1: .* is running .*\r\n.*Waiting has ended, action 7 goes on: octo wait -a 7 waits on, /s,
    )
  })
})
