/**
 * Ends scripts whose action has lost them and that nobody else ends: their runner and its watchdog were killed at the
 * same moment, or their runner is frozen without a watchdog. Called by schedules/orphans.ts on every runner; it finds
 * the scripts of all runners on its machine.
 */
import { type Attempt, findLostAttempts } from '../../db/queries/recovery.ts'
import type { RunnerContext } from '../context.ts'
import type { ProcessInfo } from './process-table.ts'
import { createProcessTree } from './process-tree.ts'
import { parseMarker, type RunnerProcess } from './script-marker.ts'
import { createTermination } from './terminate.ts'

/** `groups`: the process groups in which a process has the marker. */
type OtherScript = Attempt & { marker: string; groups: Set<number> }

/**
 * Only scripts of this installation, and only of actions: whether another script is still needed is not known. Processes
 * that an ended script has left running are not ended. Resolves when the processes have ended or could not be killed.
 */
export async function endOrphans(context: RunnerContext): Promise<void> {
  const own = parseMarker(`${context.markerPrefix}own`)
  if (own === null) return
  const { alive } = await context.processTable.read()
  const scripts = findScriptsOfOthers(alive, own)
  if (scripts.length === 0) return
  const lost = await findLostAttempts(context.db, scripts)
  const isLost = (script: OtherScript) =>
    lost.some(
      ({ actionId, fencingToken }) => actionId === script.actionId && fencingToken === script.fencingToken,
    )
  await Promise.all(scripts.filter(isLost).map((script) => endScript(context, script)))
}

function findScriptsOfOthers(
  alive: readonly ProcessInfo[],
  own: { installation: string; runner: RunnerProcess },
): OtherScript[] {
  const scripts = new Map<string, OtherScript>()
  for (const { group, script } of alive) {
    if (script === null || script.actionId === null || script.fencingToken === null) continue
    const { marker, actionId, fencingToken } = script
    const owner = parseMarker(marker)
    if (owner?.installation !== own.installation || isSameRunner(owner.runner, own.runner)) continue
    const known = scripts.get(marker)
    known?.groups.add(group)
    const runnerIsGone = () =>
      owner.runner.pidNamespace === own.runner.pidNamespace &&
      !alive.some(({ pid, startTicks }) => isSameRunner(owner.runner, { ...own.runner, pid, startTicks }))
    if (known === undefined)
      scripts.set(marker, {
        marker,
        actionId,
        fencingToken,
        runnerIsGone: runnerIsGone(),
        groups: new Set([group]),
      })
  }
  return [...scripts.values()]
}

const isSameRunner = (one: RunnerProcess, other: RunnerProcess): boolean =>
  one.pidNamespace === other.pidNamespace && one.pid === other.pid && one.startTicks === other.startTicks

async function endScript(
  { processTable, settings, log }: RunnerContext,
  { marker, groups, actionId, fencingToken, runnerIsGone }: OtherScript,
): Promise<void> {
  log.warn({ actionId, fencingToken, runnerIsGone }, 'a lost runner has left a script running; it is ended')
  const tree = createProcessTree(processTable, [...groups], marker)
  tree.scriptEnded()
  const termination = createTermination(tree, settings.KILL_GRACE)
  termination.start('interrupted')
  await termination.waitForTree()
}
