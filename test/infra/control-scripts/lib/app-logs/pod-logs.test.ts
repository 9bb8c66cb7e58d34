/** app_logs of the Kubernetes scripts, with a kubectl that prints what the test writes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitFor } from '../../../../helpers/wait-for.ts'
import { controlScriptsDir } from '../../control-scripts.ts'

type Container = { name: string; restarts?: number; waiting?: boolean }

const printArguments = `echo "line of $4 $6 $7"
    case $* in *--follow*) sleep 60 ;; esac`

/** `pods`: by name. A kubectl logs prints its pod, its container and its --tail; with --follow it then runs on. */
function createCluster(t: TestContext, logs = printArguments) {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-app-logs-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(
    join(folder, 'kubectl'),
    `#!/bin/sh
folder='${folder}'
case $1 in
  logs)
    echo "$@" >> '${folder}/calls'
    ${logs} ;;
  get) cat '${folder}/pods' ;;
esac
`,
    { mode: 0o755 },
  )
  return {
    folder,
    setPods(pods: Record<string, Container[]>) {
      const items = Object.entries(pods).map(([name, containers]) => ({
        metadata: { name, namespace: 'shop', uid: `uid-${name}` },
        status: {
          phase: 'Running',
          containerStatuses: containers.map(({ name, restarts = 0, waiting }) => ({
            name,
            restartCount: restarts,
            state: waiting ? { waiting: {} } : { running: {} },
          })),
        },
      }))
      writeFileSync(join(folder, 'pods'), JSON.stringify({ kind: 'List', items }))
    },
    calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n'),
  }
}

/** Calls the module as the scripts of both sets do, without a release. */
function startScript(folder: string, options: Record<string, unknown>, ...nodeOptions: string[]) {
  const module = join(controlScriptsDir, 'lib/app-logs/pod-logs.mjs')
  const request = JSON.stringify({ name: 'web', namespace: 'shop', ...options })
  const code = `import { printAppLogs } from '${module}'; process.exitCode = await printAppLogs(${request}, null)`
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    HOME: folder,
    KUBECTL_BIN: join(folder, 'kubectl'),
  }
  const child = spawn(process.execPath, [...nodeOptions, '--input-type=module', '-e', code], {
    env,
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => {
    output.stdout += text
  })
  child.stderr.on('data', (text) => {
    output.stderr += text
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  return { child, output, ended }
}

/** Ended with the test. */
function follow(t: TestContext, folder: string, options: Record<string, unknown>) {
  const script = startScript(folder, { ...options, follow: true })
  const { child, output } = script
  t.after(() => child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, 'SIGKILL'))
  const waitForLine = (text: string) =>
    waitFor(text, async () => ({ done: output.stdout.includes(text), value: null, seen: output }), 30_000)
  return { ...script, waitForLine }
}

test('The last lines of all started containers are printed, with pod and container', async (t) => {
  const cluster = createCluster(t)
  cluster.setPods({
    'web-1': [{ name: 'app' }, { name: 'proxy' }],
    'web-2': [{ name: 'app', waiting: true }],
  })
  const { output, ended } = startScript(cluster.folder, { tail: '7' })
  assert.equal(await ended, 0)
  assert.deepEqual(output.stdout.trim().split('\n').sort(), [
    '[web-1/app] line of web-1 app --tail=7',
    '[web-1/proxy] line of web-1 proxy --tail=7',
  ])
})

test('New pods and restarted containers are found while the script follows, from their beginning', async (t) => {
  const cluster = createCluster(t)
  cluster.setPods({ 'web-1': [{ name: 'app' }] })
  const { child, ended, waitForLine: seen } = follow(t, cluster.folder, { tail: '7' })
  await seen('[web-1/app] line of web-1 app --tail=7')
  cluster.setPods({ 'web-1': [{ name: 'app', restarts: 1 }], 'web-2': [{ name: 'app' }] })
  await seen('[web-1/app] line of web-1 app --tail=-1')
  await seen('[web-2/app] line of web-2 app --tail=-1')
  assert.equal(cluster.calls().length, 3)
  process.kill(-(child.pid ?? 0), 'SIGTERM')
  await ended
})

test('A container that still runs is followed again after its last line when kubectl has ended', async (t) => {
  const cluster = createCluster(
    t,
    `echo '2026-03-01T10:00:00.250000000Z old'
    case $* in *--since-time*) echo '2026-03-01T10:00:00.300000000Z new'; sleep 60 ;; esac`,
  )
  cluster.setPods({ 'web-1': [{ name: 'app' }] })
  const { output, waitForLine } = follow(t, cluster.folder, { tail: '7' })
  await waitForLine('[web-1/app] new')
  assert.equal(output.stdout, '[web-1/app] old\n[web-1/app] new\n')
  assert.match(cluster.calls()[1] ?? '', /--tail=-1 .*--since-time=2026-03-01T10:00:00\.250000000Z$/)
})

test('Of a line without an end only the beginning is kept in memory', async (t) => {
  const cluster = createCluster(
    t,
    `printf 'first\\r\\n'; head -c 200000000 /dev/zero | tr '\\0' x; echo; printf last`,
  )
  cluster.setPods({ 'web-1': [{ name: 'app' }] })
  const { output, ended } = startScript(cluster.folder, { tail: '7' }, '--max-old-space-size=64')
  assert.equal(await ended, 0, output.stderr)
  const [first, cut = '', last] = output.stdout.split('\n')
  assert.deepEqual([first, last], ['[web-1/app] first', '[web-1/app] last'])
  assert.match(cut, /^\[web-1\/app\] x{15900} … \(199984100 more characters of this line were cut\)$/)
})

test('A container beyond the limit is later printed from its last lines', async (t) => {
  const cluster = createCluster(
    t,
    `echo "line of $4 $6 $7"
    while [ ! -e "$folder/end-$6" ]; do sleep 0.2; done`,
  )
  const containers = Array.from({ length: 21 }, (_, index) => ({ name: `c${index}` }))
  cluster.setPods({ 'web-1': containers })
  const { output, waitForLine } = follow(t, cluster.folder, { tail: '7' })
  for (const { name } of containers.slice(0, 20)) await waitForLine(`line of web-1 ${name} --tail=7`)
  assert.match(output.stderr, /Only 20 of 21 containers are shown/)
  cluster.setPods({ 'web-1': containers.slice(1) })
  writeFileSync(join(cluster.folder, 'end-c0'), '')
  await waitForLine('line of web-1 c20 --tail=')
  assert.match(output.stdout, /line of web-1 c20 --tail=7/)
})

test('Many containers that wait for a slow reader cause no warning', async (t) => {
  const cluster = createCluster(t, 'seq 1 20000; sleep 60')
  cluster.setPods({ 'web-1': Array.from({ length: 15 }, (_, index) => ({ name: `c${index}` })) })
  const { child, output } = follow(t, cluster.folder, { tail: '7' })
  child.stdout.pause()
  await waitFor(
    'all containers are read',
    async () => {
      const calls = existsSync(join(cluster.folder, 'calls')) ? cluster.calls() : []
      return { done: calls.length === 15, value: null, seen: calls }
    },
    30_000,
  )
  await sleep(500)
  child.stdout.resume()
  await waitFor(
    'all lines',
    async () => ({ done: output.stdout.match(/ 20000\n/g)?.length === 15, value: null, seen: output.stderr }),
    30_000,
  )
  assert.equal(output.stderr, '')
})

test('Without pods the script says so', async (t) => {
  const cluster = createCluster(t)
  cluster.setPods({})
  const { output, ended } = startScript(cluster.folder, {})
  assert.equal(await ended, 0)
  assert.match(output.stderr, /No pod runs/)
})
