/** Building the Kubernetes tools into the cache, with a fake Go. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../helpers/wait-for.ts'

const program = join(import.meta.dirname, '../../../infra/test-cluster/tools.ts')
const system = '/usr/local/bin:/usr/bin:/bin'

function createToolsCache(t: TestContext) {
  const cache = mkdtempSync(join(tmpdir(), 'octopod-tools-'))
  t.after(() => rmSync(cache, { recursive: true, force: true }))
  const calls = join(cache, 'calls')
  return {
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    /** All entries of the cache, including temporary folders. */
    cacheEntries: () => {
      const folder = join(cache, 'octopod/kubernetes')
      return existsSync(folder) ? readdirSync(folder) : []
    },
    start: (environment: Record<string, string> = {}) => {
      const PATH = `${import.meta.dirname}:${system}`
      const env = { PATH, XDG_CACHE_HOME: cache, GO_CALLS: calls, ...environment }
      const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      const output = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].on('data', (bytes) => {
          output[stream] += bytes
        })
      const ended = new Promise<typeof output & { code: number | null }>((resolve) =>
        child.once('close', (code) => resolve({ ...output, code })),
      )
      return { child, ended }
    },
  }
}

test('The tools are built once, under their usual names', async (t) => {
  const { start, calls, cacheEntries } = createToolsCache(t)
  const first = await start().ended
  assert.equal(first.code, 0, first.stderr)
  const folder = first.stdout.trim()
  assert.deepEqual(readdirSync(folder).sort(), [
    ...['etcd', 'helm', 'helm3', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
    ...['kubectl', 'kwok'],
  ])
  assert.equal(dirname(folder).endsWith('/octopod/kubernetes'), true)
  const built = calls().length
  const second = await start().ended
  assert.deepEqual([second.code, second.stdout.trim(), second.stderr], [0, folder, ''])
  assert.equal(calls().length, built)
  assert.equal(cacheEntries().length, 1)
})

test('Two concurrent builds do not disturb each other', async (t) => {
  const { start, cacheEntries } = createToolsCache(t)
  const both = await Promise.all([start().ended, start().ended])
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  )
  assert.equal(both[0]?.stdout, both[1]?.stdout)
  assert.equal(cacheEntries().length, 1)
})

test('A failed build leaves no tools folder and prints the output of Go', async (t) => {
  const { start, cacheEntries } = createToolsCache(t)
  const { code, stdout, stderr } = await start({ GO_DOES: 'fail' }).ended
  assert.deepEqual([code, stdout, cacheEntries()], [1, '', []])
  assert.match(stderr, /module lookup disabled\ngo build ended with code 1;.* GOPROXY .*network.*\n$/)
})

test('A stopped build keeps what it has built, and the next one continues there', async (t) => {
  const { start, calls, cacheEntries } = createToolsCache(t)
  const { child, ended } = start({ GO_DOES: 'hang', GO_AT: 'kwok' })
  await waitFor('Go builds kwok', async () => ({
    done: calls().at(-1)?.endsWith('kwok') ?? false,
    value: null,
  }))
  child.kill('SIGTERM')
  const { code, stderr } = await ended
  assert.equal(code, 1)
  assert.match(
    stderr,
    /The build of the Kubernetes tools was stopped\. The next one continues where it ended\.\n$/,
  )
  const built = calls().length
  const next = await start().ended
  assert.equal(next.code, 0, next.stderr)
  assert.match(next.stderr, /^4 of 8 programs are there from an earlier build\.$/m)
  assert.equal(calls().length - built, 4)
  assert.equal(readdirSync(next.stdout.trim()).length, 8)
  assert.equal(cacheEntries().length, 1)
})

test('Each program is reported when it is built', async (t) => {
  const { stderr } = await createToolsCache(t).start().ended
  const lines = stderr.split('\n').filter((line) => / is built, /.test(line))
  assert.equal(lines.length, 8, stderr)
  assert.match(lines[0] ?? '', /^1 of 8: kubectl is built, \d+ s after the start\.$/)
  assert.doesNotMatch(stderr, /downloading|k8s\.io\/kubernetes/)
})

test('Without Go there is one sentence', async (t) => {
  const { start } = createToolsCache(t)
  const { code, stderr } = await start({ PATH: '/nowhere' }).ended
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^The Kubernetes tools are built with Go, which is not on the PATH: install Go 1\.\d+ or later\.\n$/,
  )
})
