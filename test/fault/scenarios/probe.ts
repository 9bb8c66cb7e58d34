/** Asks for something again and again while a store is away, and keeps what came back when. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pathOf } from '../../../domain/places.ts'
import type { Asked } from '../checker/history.ts'
import { nowMs } from '../rig/clock.ts'
import { adminHeader } from '../rig/programs.ts'
import { readScripts } from '../rig/witness.ts'
import type { World } from '../rig/world.ts'

export type Look = { atMs: number; tookMs: number; status: number }

/** GET of the list, every `everyMs`, each on its own: a slow one holds up no other. */
export function probeList(world: World, everyMs = 250): { looks: Look[]; stop(): Promise<void> } {
  const looks: Look[] = []
  const under = new Set<Promise<void>>()
  let stopped = false
  const one = async () => {
    const atMs = nowMs()
    const status = await fetch(`${world.urls()[0]}${pathOf('listDeployments')}`, {
      headers: { Authorization: adminHeader },
      signal: AbortSignal.timeout(30_000),
    }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
    looks.push({ atMs, tookMs: nowMs() - atMs, status })
  }
  const loop = (async () => {
    while (!stopped) {
      const look = one()
      under.add(look)
      look.finally(() => under.delete(look))
      await sleep(everyMs)
    }
  })()
  return {
    looks,
    stop: async () => {
      stopped = true
      await loop
      await Promise.all(under)
    },
  }
}

/** How long requests of a time took until they were accepted. */
export function acceptedIn(asked: readonly Asked[], fromMs: number, untilMs: number): number[] {
  return asked
    .filter(({ sentMs }) => sentMs >= fromMs && sentMs < untilMs)
    .flatMap(({ sentMs, answers }) =>
      answers.filter(({ is }) => is === 'accepted').map(({ atMs }) => atMs - sentMs),
    )
}

/** From the acceptance to the start of the script, for what was accepted in a time. */
export async function startDelays(
  world: World,
  fromMs: number,
  untilMs: number,
): Promise<{ acceptedMs: number; delayMs: number }[]> {
  const { runs } = await readScripts(world.dir)
  const startOf = new Map(runs.map(({ action, atMs }) => [action, atMs]))
  return world.asked.flatMap(({ answers }) =>
    answers.flatMap((answer) => {
      if (answer.is !== 'accepted' || answer.atMs < fromMs || answer.atMs >= untilMs) return []
      const startedMs = startOf.get(answer.action)
      return startedMs === undefined
        ? []
        : [{ acceptedMs: answer.atMs, delayMs: Math.max(0, startedMs - answer.atMs) }]
    }),
  )
}

/** When the first script started after a moment; undefined when none has. */
export async function firstStart(world: World, afterMs: number): Promise<number | undefined> {
  const { runs } = await readScripts(world.dir)
  return runs
    .map(({ atMs }) => atMs)
    .filter((atMs) => atMs >= afterMs)
    .toSorted((one, other) => one - other)[0]
}
