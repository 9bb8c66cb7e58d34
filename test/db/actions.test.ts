/** Reading actions: lists, the record of Octopod 1.6, output in pages. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  appendOutput,
  getAction,
  getInfo,
  getOutput,
  getWholeOutput,
  lastSeq,
  listActions,
} from '../../db/actions.ts'
import { finish } from '../../db/transition.ts'
import { added } from '../../domain/overrides.ts'
import { action, info, outputPage } from '../../domain/shapes.ts'
import { ask, deployment, ended, ground, newName, perform, refusal, running, times } from './ground.ts'

const here = ground(3)

suite('lists of actions', () => {
  test('come newest first, a page at a time', async () => {
    const name = await deployment(here)
    const ids = (await listActions(here.pool, name, 10)).map((one) => one.action_id)
    for (const _ of times(4, newName)) {
      ids.unshift((await perform(here, 'update', name)).actionId)
      await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    }
    const page = async (limit: number, before?: number) =>
      (await listActions(here.pool, name, limit, before)).map((one) => one.action_id)
    assert.deepEqual(await page(10), ids)
    assert.deepEqual(await page(2), ids.slice(0, 2))
    assert.deepEqual(await page(2, ids[1]), ids.slice(2, 4))
    assert.deepEqual(await page(10, Number.MAX_SAFE_INTEGER), ids)
    assert.deepEqual(await page(10, 1), [])
    await assert.rejects(listActions(here.pool, 'nobody', 10), refusal('no_such_deployment'))
  })

  test('have the shape of the wire, in every state', async () => {
    const queued = (await ask(here, 'create', newName())).actionId
    const run = (await running(here, 'create', newName())).actionId
    const over = (await perform(here, 'create', newName())).actionId
    for (const id of [queued, run, over]) {
      const read = await getAction(here.pool, id)
      assert.deepEqual(action.parse(read), read)
    }
    await assert.rejects(getAction(here.pool, 999_999_999_999), refusal('no_such_action'))
  })

  test('name the overrides that were in force then', async () => {
    const name = await deployment(here)
    const overrides = { app: [added('a', '1')], deployment: [] }
    const { actionId } = await ask(here, 'update', name, { overrides })
    await here.raw(`update deployments set app_overrides = '[]' where name = $1`, [name])
    assert.deepEqual((await getAction(here.pool, actionId)).app_overrides, overrides.app)
  })
})

suite('info', () => {
  test('has the finished actions in the shape of Octopod 1.6, newest first', async () => {
    const name = await deployment(here)
    const failed = await running(here, 'update', name)
    await finish(here.pool, failed, ended(null, { signal: 'SIGKILL', timedOut: true }))
    await here.raw(`update deployments set status = 'Running' where name = $1`, [name])
    await running(here, 'update', name)
    const read = await getInfo(here.pool, name)
    assert.deepEqual(info.parse(read), read)
    assert.deepEqual(
      read.logs.map((log) => [log.action, log.exit_code, log.duration.months]),
      [
        ['UpdateAction', -1, 0],
        ['CreateAction', 0, 0],
      ],
    )
    assert.ok(read.logs.every((log) => log.duration.time >= 0 && log.duration.time < 60))
    await assert.rejects(getInfo(here.pool, 'nobody'), refusal('no_such_deployment'))
  })

  test('shows times in UTC, whatever the time zone of the database', async () => {
    const name = await deployment(here)
    await here.raw(`update deployments set created_at = '2022-07-01 12:00:00.25+02' where name = $1`, [name])
    const [{ at }] = await here.raw(
      `select wire_time(created_at) as at from deployments, set_config('TimeZone', 'Asia/Kathmandu', false) where name = $1`,
      [name],
    )
    assert.equal(at, '2022-07-01T10:00:00.250000Z')
  })
})

suite('output', () => {
  const write = async (count: number, text = (seq: number) => `${seq}\n`) => {
    const held = await running(here, 'create', newName())
    const chunks = times(count, (at) => ({
      seq: at + 1,
      stream: at % 3 === 2 ? ('stderr' as const) : ('stdout' as const),
      text: text(at + 1),
    }))
    for (let at = 0; at < count; at += 1000) await appendOutput(here.pool, held, chunks.slice(at, at + 1000))
    return held
  }

  test('of an action without any is an empty page, done when it has ended', async () => {
    const held = await write(0)
    assert.deepEqual(await getOutput(here.pool, held.actionId, 0, 10), {
      chunks: [],
      state: 'running',
      done: false,
    })
    await finish(here.pool, held, ended(0))
    assert.deepEqual(await getOutput(here.pool, held.actionId, 0, 10), {
      chunks: [],
      state: 'succeeded',
      done: true,
    })
    assert.equal(await lastSeq(here.pool, held.actionId), 0)
  })

  test('comes in pages that follow each other; only the last one of an ended action is done', async () => {
    const held = await write(25)
    const page = (after: number, limit: number) => getOutput(here.pool, held.actionId, after, limit)
    const seqs = async (after: number, limit: number) =>
      (await page(after, limit)).chunks.map((one) => one.seq)
    assert.deepEqual(
      await seqs(0, 10),
      times(10, (at) => at + 1),
    )
    assert.deepEqual(await seqs(20, 10), [21, 22, 23, 24, 25])
    assert.equal((await page(20, 10)).done, false, 'it may still write')
    await finish(here.pool, held, ended(0))
    assert.equal((await page(14, 10)).done, false)
    assert.equal((await page(15, 10)).done, true)
    assert.equal((await page(25, 10)).done, true)
    const whole = await page(0, 1000)
    assert.deepEqual(outputPage.parse(whole), whole)
  })

  test('after more than there can be is an empty page', async () => {
    const held = await write(3)
    for (const after of [2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER])
      assert.deepEqual((await getOutput(here.pool, held.actionId, after, 10)).chunks, [])
  })

  test('of ten thousand chunks is read to the end, and whole', async () => {
    const held = await write(10_000)
    await finish(here.pool, held, ended(0))
    const seqs: number[] = []
    for (let done = false; !done; ) {
      const page = await getOutput(here.pool, held.actionId, seqs.at(-1) ?? 0, 1000)
      seqs.push(...page.chunks.map((one) => one.seq))
      done = page.done
    }
    assert.deepEqual(
      seqs,
      times(10_000, (at) => at + 1),
    )
    const { stdout, stderr } = await getWholeOutput(here.pool, held.actionId)
    const lines = (streams: (seq: number) => boolean) =>
      seqs
        .filter(streams)
        .map((seq) => `${seq}\n`)
        .join('')
    assert.equal(
      stdout,
      lines((seq) => seq % 3 !== 0),
    )
    assert.equal(
      stderr,
      lines((seq) => seq % 3 === 0),
    )
  })

  test('comes in pages of bounded size, whatever the limit, yet always some', async () => {
    const held = await write(40, () => '😀'.repeat(16_384))
    await finish(here.pool, held, ended(0))
    const seqs: number[] = []
    for (let done = false; !done; ) {
      const page = await getOutput(here.pool, held.actionId, seqs.at(-1) ?? 0, 1000)
      const bytes = page.chunks.reduce((sum, one) => sum + Buffer.byteLength(one.text), 0)
      assert.ok(bytes > 0 && bytes <= 1024 * 1024 + 65_536, `${bytes} bytes`)
      seqs.push(...page.chunks.map((one) => one.seq))
      done = page.done
    }
    assert.deepEqual(
      seqs,
      times(40, (at) => at + 1),
    )
  })

  test('written twice is kept once: an append whose outcome is unknown may be tried again', async () => {
    const held = await write(2)
    await appendOutput(here.pool, held, [
      { seq: 2, stream: 'stdout', text: '2\n' },
      { seq: 3, stream: 'stdout', text: '3\n' },
    ])
    assert.equal((await getWholeOutput(here.pool, held.actionId)).stdout, '1\n2\n3\n')
    await appendOutput(here.pool, held, [])
    assert.equal(await lastSeq(here.pool, held.actionId), 3)
  })

  test('keeps every character that is not NUL', async () => {
    const held = await running(here, 'create', newName())
    const text = `${times(0x800, (at) => String.fromCodePoint(at + 1)).join('')}\u2028\ufffd😀\\N\\.{"}`
    await appendOutput(here.pool, held, [{ seq: 1, stream: 'stdout', text }])
    assert.equal((await getWholeOutput(here.pool, held.actionId)).stdout, text)
  })

  test('of no action is refused', async () => {
    await assert.rejects(getOutput(here.pool, 999_999, 0, 1), refusal('no_such_action'))
    await assert.rejects(getWholeOutput(here.pool, 999_999), refusal('no_such_action'))
  })
})
