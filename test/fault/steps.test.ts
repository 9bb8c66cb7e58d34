/** The short form, first half: crashes at single steps, a frozen runner, wrong writes; each time the invariants hold. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cancelAction } from './rig/asking.ts'
import { demandNone, seedOfRun } from './rig/report.ts'
import { openWorld, type World } from './rig/world.ts'
import { freezeBetweenClaimAndStart, freezeHolder } from './scenarios/frozen.ts'
import { arriveLate } from './scenarios/late.ts'
import { begin, ended, holderOf, make } from './scenarios/moves.ts'
import { type Crash, crashAt, nameOf } from './scenarios/steps.ts'
import { tryWrongAfterTheEnd, tryWrongWrites } from './scenarios/wrong-hands.ts'

const seed = seedOfRun()
const crashes: Crash[] = [
  { step: 'begin', when: 'after' },
  { step: 'claim', when: 'after' },
  { step: 'start', when: 'before' },
  { step: 'start', when: 'after' },
  { step: 'finish', when: 'after' },
  { step: 'end of the lost', when: 'after' },
  { step: 'retry', when: 'before' },
]

const lastWords: Crash = { step: 'commit of a check', when: 'after' }

let world: World
before(async () => {
  world = await openWorld(seed, { LEASE: '5', KILL_GRACE: '0.5', INTERRUPTED_ACTIONS: 'retry' })
  await Promise.all([world.server(), world.server(), world.runner(), world.runner(), world.runner()])
  world.watch(2)
  await make(world, [
    ...[...crashes, lastWords].map(nameOf),
    'frozen',
    'between',
    'wrong',
    'late-start',
    'late-output',
    'late-finish',
  ])
})
after(() => world?.close())

test('a program that crashes at a step loses nothing and repeats nothing unseen', async () => {
  // A violation says more than what could not be waited for because of it.
  const failed = await crashAt(world, crashes).then(
    () => null,
    (error: Error) => error,
  )
  await world.quiet()
  demandNone((await world.check()).violations, seed)
  if (failed !== null) throw failed
})

suite('while runners are lost', { concurrency: true }, () => {
  test('a runner that is frozen between claim and start does not start what another one has taken', () =>
    freezeBetweenClaimAndStart(world, 'between'))

  test('what a runner sent before it was lost, and arrives late, is refused', async () => {
    const sent = ['start', 'output', 'finish'] as const
    await Promise.all(sent.map((step) => arriveLate(world, step, `late-${step}`)))
  })
})

suite('while nobody is lost', { concurrency: true }, () => {
  test('a runner that is frozen beyond its lease loses its script before anybody takes the action', async () => {
    const { goneMs, settledMs } = await freezeHolder(world, 'frozen', 8000)
    assert.ok(goneMs !== null && goneMs < settledMs, `gone after ${goneMs} ms, settled after ${settledMs} ms`)
  })

  test('what wrong code would write is refused by the database itself', async () => {
    const action = await begin(world, 'wrong', 'update', 'tree 600')
    await holderOf(world, action)
    const refused = await tryWrongWrites(world, action)
    // What was accepted all the same is given the time to do its harm.
    if (Object.keys(refused).length < 6) await sleep(10_000)
    await cancelAction(world.urls()[0], action)
    await ended(world, action)
    Object.assign(refused, await tryWrongAfterTheEnd(world, action))
    assert.equal(Object.keys(refused).length, 8)
  })
})

test('a change whose teller was killed before it could tell is shown all the same', async () => {
  await crashAt(world, [lastWords])
  await world.quiet()
  demandNone((await world.check()).violations, seed)
})
