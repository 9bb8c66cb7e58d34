/** Large answers are sent while they are read: they need little memory, and a part is never taken for the whole. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const mebibyte = 1024 * 1024
/** Characters that JSON escapes, and of one to four bytes. */
const line = `"quoted"\t\\ é ☃ 😀 \u2028 \u001b[31mred\n`

async function createEnded(name: string): Promise<number> {
  const actionId = getActionId(await octopod.create(name))
  await octopod.waitForActionEnd(actionId)
  await octopod.waitForStatus(name, 'Running')
  return actionId
}

/** Replaces the output of an action by chunks of 64 KiB: three of stdout, then one of stderr. Returns both texts. */
async function storeOutput(actionId: number, mebibytes: number) {
  const chunk = line.repeat(Math.floor((64 * 1024) / Buffer.byteLength(line)))
  await withDatabase(system.databaseUrl, async (client) => {
    await client.query(`set session_replication_role = replica`)
    await client.query(`delete from action_output where action_id = $1`, [actionId])
    await client.query(
      `insert into action_output (action_id, seq, stream, text, fencing_token)
       select $1, n, case when n % 4 = 0 then 'stderr' else 'stdout' end, n || ' ' || $2, 1
       from generate_series(1, $3) n`,
      [actionId, chunk, mebibytes * 16],
    )
  })
  const textOf = (isStderr: boolean) =>
    Array.from({ length: mebibytes * 16 }, (_, at) => at + 1)
      .filter((seq) => (seq % 4 === 0) === isStderr)
      .map((seq) => `${seq} ${chunk}`)
      .join('')
  return { stdout: textOf(false), stderr: textOf(true) }
}

/** The most memory that the process has had so far. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])
}

const fetchLog = (actionId: number) =>
  fetch(`${system.url}/api/v1/log/${actionId}`, {
    headers: { Authorization: system.adminHeader, 'Accept-Encoding': 'identity' },
  })

test('A small log has its length, and a log of two streams is the same JSON as in Octopod 1.6', async () => {
  const actionId = await createEnded('small')
  const { stdout, stderr } = await storeOutput(actionId, 3)
  const text = await (await fetchLog(actionId)).text()
  assert.equal(text, JSON.stringify({ stdout: { un_stdout: stdout }, stderr: { un_stderr: stderr } }))
  await withDatabase(system.databaseUrl, (client) =>
    client.query(`delete from action_output where action_id = $1 and seq > 5`, [actionId]),
  )
  const small = await fetchLog(actionId)
  assert.equal(small.headers.get('content-length'), String(Buffer.byteLength(await small.text())))
  for (const [condition, expected] of [
    [`stream = 'stderr'`, 'stdout'],
    [`stream = 'stdout'`, null],
  ] as const) {
    await withDatabase(system.databaseUrl, (client) =>
      client.query(`delete from action_output where action_id = $1 and ${condition}`, [actionId]),
    )
    const { stdout, stderr } = (await (await fetchLog(actionId)).json()) as {
      stdout: { un_stdout: string }
      stderr: { un_stderr: string }
    }
    assert.equal(stderr.un_stderr, '')
    assert.equal(stdout.un_stdout !== '', expected === 'stdout')
  }
})

test('Four logs of 64 MiB at once need little memory', async () => {
  const actionId = await createEnded('large')
  await storeOutput(actionId, 64)
  const before = await peakMemory(system.server.pid)
  const lengths = await Promise.all(
    Array.from({ length: 4 }, async () => {
      let length = 0
      const { body } = await fetchLog(actionId)
      for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) length += bytes.length
      return length
    }),
  )
  assert.ok((lengths[0] ?? 0) > 64 * mebibyte)
  assert.equal(new Set(lengths).size, 1)
  const grownMebibytes = Math.round(((await peakMemory(system.server.pid)) - before) / mebibyte)
  assert.ok(grownMebibytes < 300, `the server grew by ${grownMebibytes} MiB`)
})

test('A log that is deleted while it is sent breaks off', async () => {
  const actionId = await createEnded('deleted')
  await storeOutput(actionId, 64)
  const response = await fetchLog(actionId)
  const reader = response.body?.getReader()
  await reader?.read()
  await withDatabase(system.databaseUrl, (client) =>
    client.query(`delete from action_output where action_id = $1`, [actionId]),
  )
  await assert.rejects(async () => {
    while (!(await reader?.read())?.done);
  })
})

test('The info record and the list of actions hold all actions in order, however large they are', async () => {
  await createEnded('many')
  const overrides = [['key', { tag: 'ValueAdded', contents: 'v'.repeat(60_000) }]]
  await withDatabase(system.databaseUrl, async (client) => {
    await client.query(
      `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
         started_at, finished_at, exit_code)
       select id, 'update', 'succeeded', $1, '[]', 'ann', 'api', now() - interval '1.25 seconds', now(), 0
       from deployments, generate_series(1, 1200) where name = 'many'`,
      [JSON.stringify(overrides)],
    )
  })
  const before = await peakMemory(system.server.pid)
  const [info] = (await octopod.api('GET', '/deployments/many/info')).body as [
    { deployment: { name: string }; metadata: unknown[]; logs: { action_id: number; duration: unknown }[] },
  ]
  assert.deepEqual(Object.keys(info), ['deployment', 'metadata', 'logs'])
  assert.equal(info.deployment.name, 'many')
  const actions = (await octopod.api('GET', '/deployments/many/actions?limit=500')).body as typeof info.logs
  const grownMebibytes = Math.round(((await peakMemory(system.server.pid)) - before) / mebibyte)
  assert.ok(grownMebibytes < 200, `the server grew by ${grownMebibytes} MiB`)
  for (const [list, count] of [
    [info.logs, 1000],
    [actions, 500],
  ] as const) {
    assert.equal(list.length, count)
    assert.ok(list.every(({ action_id }, at) => at === 0 || action_id < (list[at - 1]?.action_id ?? 0)))
  }
  assert.deepEqual(info.logs[0]?.duration, { months: 0, time: 1.25 })
  const firstId = actions.at(-1)?.action_id
  const rest = (await octopod.api('GET', `/deployments/many/actions?limit=500&before=${firstId}`)).body as []
  assert.equal(rest.length, 500)
})
