/**
 * What is long on its way. A statement: its sender is killed, somebody else takes or ends the action, and only then it arrives.
 * An event: what has happened since was told before.
 */
import { rm, writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { subscribe } from '../../../db/events.ts'
import type { Answer } from '../rig/pg-frames.ts'
import type { Verdict } from '../rig/pg-proxy.ts'
import type { World } from '../rig/world.ts'
import { begin, ended, until } from './moves.ts'
import { steps } from './steps.ts'

/** Resolves with what PostgreSQL answered to the late statement; the checker tells what became of it. */
export async function arriveLate(
  world: World,
  step: 'start' | 'output' | 'finish',
  deployment: string,
): Promise<Answer> {
  // First: whoever takes the action waits before the start until we know its number.
  await until(`${deployment} is idle`, async () => {
    const [row] = await world.journal.query(
      `select status not like '%Pending' and not exists (select from actions a where a.deployment_id = d.id
      and state in ('queued', 'running')) as idle from deployments d where name = $1`,
      [deployment],
    )
    return row?.idle === true
  })
  const hold = world.file(`hold-${deployment}`)
  await writeFile(hold, '')
  const action = await begin(world, deployment, 'update', step === 'finish' ? 'quick' : 'tree 3')
  const due = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<Answer>()
  let sent = false
  let sentEpoch = Number.NaN
  const epochNow = async () => {
    const [row] = await world.journal.query('select lease_epoch from actions where id = $1', [action])
    return Number(row?.lease_epoch)
  }
  const takeBack = world.judge(async (program, { statement, values }): Promise<Verdict> => {
    if (sent || !steps[step].statement.test(statement) || !values.includes(String(action))) return 'pass'
    sent = true
    // Its sender may be the second one already that has taken the action.
    sentEpoch = await epochNow()
    // Then: its sender is gone, and the statement is still on its way.
    program.signal('SIGKILL')
    await due.promise
    return { answered: answered.resolve }
  })
  try {
    await rm(hold)
    const over = async () => {
      const [row] = await world.journal.query('select state from actions where id = $1', [action])
      return row?.state !== 'queued' && row?.state !== 'running'
    }
    await until(`${step} of action ${action} is sent`, async () => sent || (await over()))
    // Its runner was somebody else's victim before it came so far.
    if (!sent) return await arriveLate(world, step, deployment)
    await world.runner()
    await until(`action ${action} is somebody else's, or over`, async () => (await epochNow()) > sentEpoch)
    due.resolve()
    return await inTime(answered.promise, `the answer to the late ${step} of action ${action}`)
  } finally {
    due.resolve()
    takeBack()
  }
}

/**
 * The server that accepts an action is heard in Redis only when the action has ended, which a runner has found by itself. Resolves
 * when an older revision was told after a newer one.
 */
export async function tellLate(world: World, deployment: string): Promise<void> {
  const [server] = world.servers()
  if (server === undefined) throw new Error('there is no server')
  const told: number[] = []
  const subscriber = new Redis(world.stores.redis.url)
  // It connects again by itself; what it misses is waited for in vain, and that says so.
  subscriber.on('error', () => {})
  try {
    await subscribe(subscriber, world.prefix, {
      change: (event) => {
        if (event.name === deployment) told.push(event.revision)
      },
    })
    server.redis.freeze()
    await ended(world, await begin(world, deployment, 'update', 'quick', () => [server.url]))
    server.redis.thaw()
    await until('the late event is told', async () => told.some((one, at) => one < (told[at - 1] ?? 0)))
  } finally {
    server.redis.thaw()
    subscriber.disconnect()
  }
}

/** Refused by a guard, or by a function that found nothing it may change. */
export const isRefusal = ({ errorCode, values }: Answer): boolean =>
  errorCode === 'OC001' || (errorCode === null && values.length === 1 && values[0] === null)

async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let has = false
  void work.then(() => {
    has = true
  })
  await until(what, async () => has)
  return work
}
