/** The short form, first half: crashes at single steps, a frozen runner, wrong writes; each time the invariants hold. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { cancelAction } from './rig/asking.ts'
import { demandNone, seedOfRun } from './rig/report.ts'
import { openWorld, type World } from './rig/world.ts'
import { freezeBetweenClaimAndStart, freezeHolder } from './scenarios/frozen.ts'
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

let world: World
before(async () => {
  world = await openWorld(seed, { LEASE: '3', KILL_GRACE: '0.5', INTERRUPTED_ACTIONS: 'retry' })
  await Promise.all([world.server(), world.server(), world.runner(), world.runner(), world.runner()])
  world.watch(2)
  await make(world, [...crashes.map(nameOf), 'frozen', 'between', 'wrong'])
})
after(() => world?.close())

test('a program that crashes at a step loses nothing and repeats nothing unseen', async () => {
  await crashAt(world, crashes)
  await world.quiet()
  demandNone((await world.check()).violations, seed)
})

suite('at the same time', { concurrency: true }, () => {
  test('a runner that is frozen beyond its lease loses its script before anybody takes the action', async () => {
    const { goneMs, settledMs } = await freezeHolder(world, 'frozen', 8000)
    assert.ok(goneMs !== null && goneMs < settledMs, `gone after ${goneMs} ms, settled after ${settledMs} ms`)
  })

  test('a runner that is frozen between claim and start does not start what another one has taken', () =>
    freezeBetweenClaimAndStart(world, 'between'))

  test('what wrong code would write is refused by the database itself', async () => {
    const action = await begin(world, 'wrong', 'update', 'tree 600')
    await holderOf(world, action)
    const refused = await tryWrongWrites(world, action)
    await cancelAction(world.urls()[0], action)
    await ended(world, action)
    Object.assign(refused, await tryWrongAfterTheEnd(world, action))
    assert.equal(Object.keys(refused).length, 8)
  })
})

test('after all of this the invariants hold', async () => {
  await world.quiet()
  demandNone((await world.check()).violations, seed)
})
