/** Full disks, closed pipes and bugs: octo prints one sentence without a stack, and keeps its exit code. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createInputReader } from '../../../octo/cli/stdin.ts'
import { formatError } from '../../../octo/errors/format-error.ts'
import { ReaderGone, writeText } from '../../../octo/output/write-text.ts'
import { type CommandResult, fakeServer, isExecutable, octoCommand, success } from '../fake-server.ts'
import { fullInfo, summary } from '../wire-fixtures.ts'

const stack = /\n {4}at |node:internal|throw er/
const full = 'octo: standard output cannot be written: no space left on device.\n'

/** Runs a line of sh in which "$@" is octo. The line writes the exit code of octo into the file `$CODE`. */
async function runShell(
  test: TestContext,
  line: string,
  environment: Record<string, string> = {},
): Promise<CommandResult> {
  const folder = mkdtempSync(join(tmpdir(), 'octo-streams-'))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  const env = {
    PATH: process.env.PATH,
    OCTO_RETRIES: '0',
    XDG_CONFIG_HOME: folder,
    CODE: join(folder, 'code'),
    ...environment,
  }
  const script = `{ ${line}; }; cat "$CODE" >&2`
  return new Promise((resolve) => {
    execFile('sh', ['-c', script, 'sh', ...octoCommand], { env, timeout: 60_000 }, (_, stdout, stderr) => {
      const [, text = '', code] = /^([\s\S]*?)(\d+)\n$/.exec(stderr) ?? []
      resolve({ code: Number(code), stdout, stderr: text })
    })
  })
}

const keepCode = 'echo $? > "$CODE"'
const failed = { ...summary, state: 'failed', exit_code: 3, finished_at: '2026-03-01T10:00:03.000Z' }

const startServer = (t: TestContext) =>
  fakeServer(t, {
    'GET /api/v1/deployments': { body: [fullInfo('feature-1')] },
    'GET /api/v1/deployments/feature-1/full_info': { body: fullInfo('feature-1', { last_action: failed }) },
    'GET /api/v1/actions/7': { body: failed },
    'PUT /api/v1/deployments/feature-1': { ...success, headers: { 'octopod-action-id': '7' } },
    'DELETE /api/v1/deployments/feature-1': {
      status: 409,
      body: { tag: 'AppError', error_message: 'Deployment feature-1 is busy.', code: 'busy' },
    },
    'GET /api/v1/actions/7/output': ({ query }) => ({
      body: {
        chunks: query.startsWith('after=0')
          ? [{ seq: 1, stream: 'stdout', text: 'a\n', at: '2026-03-01T10:00:00Z' }]
          : [],
        done: true,
        state: 'failed',
      },
    }),
  })

suite('octo with broken streams', {
  concurrency: 3,
  skip: !existsSync('/dev/full') && 'no /dev/full',
}, () => {
  for (const args of [
    'list',
    'list -o json',
    'logs -a 7 --tail 5',
    '--help',
    '--version',
    'list --help',
    'completion bash',
  ])
    test(`octo ${args} > /dev/full is exit code 2 with one sentence`, async (t) => {
      const { url } = await startServer(t)
      const result = await runShell(t, `"$@" ${args} > /dev/full; ${keepCode}`, { OCTOPOD_URL: url })
      assert.deepEqual(result, { code: 2, stdout: '', stderr: full })
    })

  const update = 'update -n feature-1 --wait -q -o json'
  for (const [name, line] of [
    ['stdout is full', `"$@" ${update} > /dev/full; ${keepCode}`],
    ['the reader of stdout is gone', `{ sleep 0.2; "$@" ${update}; ${keepCode}; } | true`],
  ] as const)
    test(`A failed action is exit code 1 although ${name}`, async (t) => {
      const { url } = await startServer(t)
      const { code, stderr } = await runShell(t, line, { OCTOPOD_URL: url })
      assert.equal(code, 1)
      assert.match(stderr, /^octo: update \(action 7\) failed with exit code 3\./)
      assert.doesNotMatch(stderr, stack)
    })

  for (const [name, line] of [
    ['full', `"$@" archive -n feature-1 2> /dev/full; ${keepCode}`],
    ['closed', `"$@" archive -n feature-1 2>&-; ${keepCode}`],
    ['a pipe without a reader', `{ sleep 0.2; "$@" archive -n feature-1 2>&1; ${keepCode}; } | true`],
  ] as const)
    test(`A refused request is exit code 5 although stderr is ${name}`, async (t) => {
      const { url } = await startServer(t)
      assert.deepEqual(await runShell(t, line, { OCTOPOD_URL: url }), { code: 5, stdout: '', stderr: '' })
    })

  test('A usage error is exit code 2 although stderr is full', async (t) => {
    assert.equal((await runShell(t, `"$@" nonsense 2> /dev/full; ${keepCode}`)).code, 2)
  })

  test('A contexts file that cannot be written is exit code 2', async (t) => {
    // A link that leads nowhere: the folder can neither be made nor used.
    const line = `ln -s /nonexistent/folder "$XDG_CONFIG_HOME/octo"; "$@" context set here --url http://x; ${keepCode}`
    const { code, stderr } = await runShell(t, line)
    assert.equal(code, 2)
    assert.match(
      stderr,
      /^octo: .*\/octo\/contexts\.json cannot be written: (no such file or directory|file already exists)\.\n$/,
    )
  })

  for (const [name, code] of [
    ['An unhandled rejection', 'Promise.reject(new Error("planted"))'],
    ['An uncaught exception', '{throw new Error("planted")}'],
  ] as const)
    test(`${name} is one sentence`, { skip: isExecutable && 'it reads no NODE_OPTIONS' }, async (t) => {
      const { url } = await fakeServer(t, {
        'GET /api/v1/deployments/feature-1/full_info': {
          body: fullInfo('feature-1', { last_action: summary }),
        },
      })
      const plant = `data:text/javascript,setTimeout(()=>${encodeURIComponent(code)},1500)`
      const result = await runShell(t, `"$@" wait -n feature-1 -q; ${keepCode}`, {
        OCTOPOD_URL: url,
        NODE_OPTIONS: `--import=${plant}`,
      })
      assert.deepEqual(result, {
        code: 1,
        stdout: '',
        stderr: 'octo: this is a bug in octo, please report it: Error: planted\n',
      })
    })
})

test('An error without a code of octo has no stack, unless OCTO_DEBUG is set', () => {
  const bug = new TypeError('x is undefined')
  assert.equal(
    formatError(bug, {}),
    'octo: this is a bug in octo, please report it: TypeError: x is undefined\n',
  )
  assert.match(formatError(bug, { OCTO_DEBUG: '1' }), /TypeError: x is undefined\n {4}at /)
  const system = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
  assert.equal(formatError(system, {}), 'octo: i/o error (EIO, read).\n')
})

test('A write error of a terminal that is gone is no success', async () => {
  const failing = (code: string) => ({
    write: (_: string, done: (error?: Error) => void) =>
      done(Object.assign(new Error(`write ${code}`), { code })),
  })
  await assert.rejects(writeText(failing('EIO'), 'x'), {
    kind: 'output',
    message: 'standard output cannot be written: input/output error.',
  })
  await assert.rejects(writeText(failing('EPIPE'), 'x'), ReaderGone)
})

test('Standard input that breaks is a usage error', async () => {
  const broken = (async function* () {
    yield 'a: 1'
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' })
  })()
  await assert.rejects(createInputReader(broken)('-f', '-'), {
    kind: 'usage',
    message: '-f cannot read stdin: i/o error.',
  })
})
