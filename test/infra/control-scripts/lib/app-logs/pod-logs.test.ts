/** app_logs of the Kubernetes scripts, with a kubectl that prints what the test writes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitFor } from '../../../../helpers/wait-for.ts'
import { controlScriptsDir } from '../../control-scripts.ts'

type Container = { name: string; restarts?: number; waiting?: boolean }

/** `pods`: by name. A kubectl logs prints its pod, its container and its --tail; with --follow it then runs on. */
function createCluster(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-app-logs-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(
    join(folder, 'kubectl'),
    `#!/bin/sh
case $1 in
  logs)
    echo "$@" >> '${folder}/calls'
    echo "line of $4 $6 $7"
    case $* in *--follow*) sleep 60 ;; esac ;;
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
function startScript(folder: string, options: Record<string, unknown>) {
  const module = join(controlScriptsDir, 'lib/app-logs/pod-logs.mjs')
  const request = JSON.stringify({ name: 'web', namespace: 'shop', ...options })
  const code = `import { printAppLogs } from '${module}'; process.exitCode = await printAppLogs(${request}, null)`
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    HOME: folder,
    KUBECTL_BIN: join(folder, 'kubectl'),
  }
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { env, detached: true })
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
  const { child, output, ended } = startScript(cluster.folder, { tail: '7', follow: true })
  t.after(() => child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, 'SIGKILL'))
  const seen = (text: string) =>
    waitFor(text, async () => ({ done: output.stdout.includes(text), value: null, seen: output }), 30_000)
  await seen('[web-1/app] line of web-1 app --tail=7')
  cluster.setPods({ 'web-1': [{ name: 'app', restarts: 1 }], 'web-2': [{ name: 'app' }] })
  await seen('[web-1/app] line of web-1 app --tail=-1')
  await seen('[web-2/app] line of web-2 app --tail=-1')
  assert.equal(cluster.calls().length, 3)
  process.kill(-(child.pid ?? 0), 'SIGTERM')
  await ended
})

test('Without pods the script says so', async (t) => {
  const cluster = createCluster(t)
  cluster.setPods({})
  const { output, ended } = startScript(cluster.folder, {})
  assert.equal(await ended, 0)
  assert.match(output.stderr, /No pod runs/)
})
