/**
 * A crash at every step: the program that reaches a statement first is killed before PostgreSQL has seen it, or after it was
 * done and before the answer came. No hook in the programs: the proxy in front of PostgreSQL knows the statement.
 */
import type { Program } from '../rig/programs.ts'
import type { World } from '../rig/world.ts'
import { begin, ended, loseHolder, until } from './moves.ts'

type Step = {
  statement: RegExp
  /** What the transaction must have done before. */
  within?: RegExp
  of: 'runner' | 'server'
  /** What makes it happen; the action that must end after all. */
  provoke(world: World, deployment: string): Promise<number>
}

const update = (behave: string) => (world: World, deployment: string) =>
  begin(world, deployment, 'update', behave)

/** A runner that is lost leaves something to sweep. */
async function lose(world: World, deployment: string): Promise<number> {
  const { action, next } = await loseHolder(world, deployment)
  await next
  return action
}

async function cleanUp(world: World, deployment: string): Promise<number> {
  await ended(world, await begin(world, deployment, 'archive'))
  await until('it is archived', async () => {
    const [row] = await world.journal.query('select status from deployments where name = $1', [deployment])
    return row?.status === 'Archived'
  })
  return begin(world, deployment, 'cleanup')
}

export const steps = {
  begin: { of: 'server', statement: /begin_action\(/, provoke: update('quick') },
  claim: { of: 'runner', statement: /set lease_epoch = a\.lease_epoch \+ 1/, provoke: update('quick') },
  start: { of: 'runner', statement: /start_action\(/, provoke: update('tree 1') },
  output: { of: 'runner', statement: /insert into action_output/, provoke: update('tree 1') },
  renew: {
    of: 'runner',
    statement: /update actions set lease_expires_at = now\(\) \+/,
    provoke: update('tree 2'),
  },
  finish: { of: 'runner', statement: /finish_action\(/, provoke: update('quick') },
  forget: { of: 'runner', statement: /delete from deployments where id/, provoke: cleanUp },
  sweep: { of: 'runner', statement: /for update of a skip locked/, provoke: lose },
  'end of the lost': { of: 'runner', statement: /lease_epoch = lease_epoch \+ 1/, provoke: lose },
  retry: { of: 'runner', statement: /insert into actions .*attempt/s, provoke: lose },
  'commit of the sweep': { of: 'runner', statement: /^commit/i, within: /skip locked/, provoke: lose },
  'commit of a check': {
    of: 'runner',
    statement: /^commit/i,
    within: /update deployments set checked_at/,
    provoke: update('quick'),
  },
} satisfies Record<string, Step>

export type StepName = keyof typeof steps
export type When = 'before' | 'after'
export type Crash = { step: StepName; when: When }

export const allCrashes: Crash[] = (Object.keys(steps) as StepName[]).flatMap((step) => [
  { step, when: 'before' },
  { step, when: 'after' },
])

/**
 * All these crashes in one go, each on a deployment of its own; the place of a victim is taken at once. Rejects when a step was
 * never reached, when a victim lives on, or when what was accepted has not ended.
 */
export async function crashAt(
  world: World,
  crashes: readonly Crash[],
  nameFor: (crash: Crash) => string = nameOf,
): Promise<void> {
  const pending = new Set(crashes)
  const victims = new Map<Program, Crash>()
  const places: Promise<unknown>[] = []
  // First: whoever reaches a step first is its victim, and nobody else's.
  const takeBack = world.judge((program, { statement, before }) => {
    const of = world.servers().some(({ name }) => name === program.name) ? 'server' : 'runner'
    const crash = [...pending].find(({ step }) => {
      const aimed: Step = steps[step]
      return aimed.of === of && aimed.statement.test(statement) && (aimed.within?.test(before) ?? true)
    })
    if (crash === undefined || victims.has(program) || !program.lives()) return 'pass'
    pending.delete(crash)
    victims.set(program, crash)
    const end = () => program.signal('SIGKILL')
    places.push(of === 'server' ? world.server() : world.runner())
    if (crash.when === 'after') return { mute: end }
    end()
    return 'cut-before'
  })
  try {
    // Then: everything happens at once.
    const begun = await Promise.all(crashes.map((crash) => steps[crash.step].provoke(world, nameFor(crash))))
    await until('all steps are reached', async () => pending.size === 0).catch((error: Error) => {
      throw new Error(`${error.message}, wanting ${[...pending].map(said)}`)
    })
    for (const [victim, crash] of victims)
      await until(`the victim of ${said(crash)} is gone`, async () => !victim.lives())
    await Promise.all(places)
    // Finally: what was accepted has ended all the same.
    await Promise.all(begun.map((action) => ended(world, action)))
  } finally {
    takeBack()
    await Promise.allSettled(places)
  }
}

const said = ({ step, when }: Crash) => `${when} ${step}`

/** The deployment of a crash: made before. */
export const nameOf = ({ step, when }: Crash) => `s${Object.keys(steps).indexOf(step)}-${when}`
