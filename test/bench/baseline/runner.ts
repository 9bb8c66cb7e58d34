/**
 * The baseline of the runner: job, script, row and publish, on BullMQ, pg and ioredis alone. Its event has the
 * shape and size of the event of Octopod, so that the websocket client does the same work.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { prepared } from './prepared.ts'

const { DATABASE_URL, REDIS_URL, REDIS_PREFIX, CONTROL_SCRIPTS_DIR, PATH, HOME } = process.env as Record<
  string,
  string
>
const pool = new pg.Pool({ connectionString: DATABASE_URL ?? '', max: 10 })
const commands = new Redis(REDIS_URL ?? '')
const blocking = new Redis(REDIS_URL ?? '', { maxRetriesPerRequest: null })

type Job = { actionId: number; name: string; scripts: string[] }

const worker = new Worker<Job>(
  'baseline',
  async ({ data: { actionId, name, scripts } }) => {
    let ran = { exitCode: 0, output: '' }
    for (const script of scripts) ran = await run(script, name)
    const { rows } = await pool.query(
      prepared`update baseline_actions
       set state = 'succeeded', exit_code = ${ran.exitCode}, output = ${ran.output}, finished_at = now()
       where id = ${actionId}
       returning to_char(finished_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as finished_at`,
    )
    await commands.publish(
      `${REDIS_PREFIX}:changes`,
      eventOf(actionId, name, ran.exitCode, rows[0].finished_at),
    )
  },
  { connection: blocking, prefix: REDIS_PREFIX ?? 'baseline', concurrency: 32 },
)
worker.on('error', (error) => console.error(error))
await worker.waitUntilReady()
console.log('baseline ready')

async function run(script: string, name: string): Promise<{ exitCode: number; output: string }> {
  const project = ['--project-name', 'octopod', '--base-domain', 'localhost', '--namespace', 'default']
  const child = spawn(join(CONTROL_SCRIPTS_DIR ?? '', script), [...project, '--name', name], {
    env: { PATH: PATH ?? '', HOME: HOME ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.on('data', (bytes) => {
      output += bytes
    })
  }
  const [code] = await once(child, 'close')
  return { exitCode: code, output }
}

function eventOf(actionId: number, name: string, exitCode: number, at: string): string {
  const overrides = [
    ['image.tag', { tag: 'ValueAdded', contents: 'feature-1234' }],
    ['replicas', { tag: 'ValueAdded', contents: '2' }],
  ]
  const deployment = {
    deployment: { name, app_overrides: overrides, deployment_overrides: [] },
    status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'ArchivePending' } },
    metadata: [
      { name: 'app', link: 'https://app.example.com' },
      { name: 'logs', link: 'https://logs.example.com/app' },
    ],
    created_at: at,
    updated_at: at,
    revision: actionId,
    last_action: {
      action_id: actionId,
      action: 'ArchiveAction',
      state: 'succeeded',
      attempt: 1,
      actor: 'admin',
      source: 'api',
      reason: null,
      created_at: at,
      started_at: at,
      finished_at: at,
      exit_code: exitCode,
      signal: null,
      error: null,
      truncated: false,
      cancel_requested_at: null,
      cancelled_by: null,
    },
  }
  const event = { type: 'deployment', name, revision: actionId, deployment }
  return JSON.stringify({ type: 'event', seq: actionId, event })
}

process.on('SIGTERM', () => process.exit(0))
