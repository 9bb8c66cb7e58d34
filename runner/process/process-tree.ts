/**
 * The processes of one script: those in its process group, and those that left the group (setsid) but still have its
 * marker in their environment. Called by terminate.ts and orphans.ts.
 */
import { uptime } from 'node:os'
import { isSameProcess, type ProcessIdentity, type ProcessInfo, type ProcessTable } from './process-table.ts'

export type ProcessTree = {
  /**
   * Sends the signals one after the other. Resolves when all processes have received them; those of the group receive
   * them before this returns.
   */
  signal(...signals: NodeJS.Signals[]): Promise<void>
  isAlive(): Promise<boolean>
  /** Must be called when the script itself has ended. From now on its number may belong to another process. */
  scriptEnded(): void
}

/**
 * `groups`: usually one, which the script leads. When the script has ended and its group is empty, the kernel uses their
 * number again. From then on a group is only signalled while a process in it belongs to the script: it has the marker,
 * it started before the script ended, or it was in the group together with such a process. This is read microseconds
 * before the signal. Only a pidfd, which Node does not have, would exclude a new owner in between.
 */
export function createProcessTree(
  table: ProcessTable,
  groups: readonly number[],
  marker: string,
): ProcessTree {
  let endedTicks: number | null = null
  let known = new Set<string>()
  const isOurs = (member: ProcessInfo) =>
    endedTicks === null ||
    member.script?.marker === marker ||
    Number(member.startTicks) < endedTicks ||
    known.has(identityOf(member))

  const readMembers = async () => {
    const { isReadable, alive } = await table.read()
    const ownGroups = groups.flatMap((group) => {
      const members = alive.filter((member) => member.group === group)
      const witnesses = members.filter(isOurs)
      return witnesses.length > 0 ? [{ group, members, witnesses }] : []
    })
    const inGroups = ownGroups.flatMap(({ members }) => members)
    known = new Set(inGroups.map(identityOf))
    const outside = alive.filter((member) => member.script?.marker === marker && !inGroups.includes(member))
    return { isReadable, ownGroups, outside }
  }

  return {
    async signal(...signals) {
      const send = (target: number) => {
        for (const signal of signals) sendSignal(target, signal)
      }
      // The group comes first: the kernel signals all of it at once, so no process in it can escape by forking.
      const hadEnded = endedTicks !== null
      if (!hadEnded) for (const group of groups) send(-group)
      const { isReadable, ownGroups, outside } = await readMembers()
      if (hadEnded && !isReadable) for (const group of groups) send(-group)
      if (hadEnded && isReadable)
        for (const { group, witnesses } of ownGroups) if (witnesses.some(isSameProcess)) send(-group)
      for (const member of outside) if (isSameProcess(member)) send(member.pid)
    },
    async isAlive() {
      const { isReadable, ownGroups, outside } = await readMembers()
      const isKnownAlive = ownGroups.length > 0 || outside.length > 0
      return isKnownAlive || (!isReadable && groups.some((group) => sendSignal(-group, 0)))
    },
    scriptEnded() {
      endedTicks ??= Math.floor(uptime() * ticksPerSecond)
    },
  }
}

/** The unit of start times in /proc. */
const ticksPerSecond = 100
const identityOf = ({ pid, startTicks }: ProcessIdentity): string => `${pid} ${startTicks}`

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
