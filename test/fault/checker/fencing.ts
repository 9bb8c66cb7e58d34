/**
 * I4: every accepted write came from the program that held the action, with its fencing token. No program
 * took a lease before its end. A finished action stays as it is until a cleanup of its deployment deletes it.
 */
import {
  type History,
  harnessName,
  isActive,
  type OutputWrite,
  type RowChange,
  toleranceMs,
  type Violation,
} from './history.ts'

type Holder = {
  program: string | null
  fencingToken: number
  state: string
  kind: string
  deployment: number
}

export function checkFencing(history: History): Violation[] {
  const holders = new Map<number, Holder>()
  return history.writes.flatMap((write) => {
    const error =
      write.type === 'output'
        ? outputError(write, holders.get(write.action))
        : write.after === null
          ? deleteError(write, holders)
          : changeError(write, holders.get(write.action))
    if (write.type === 'row') holders.set(write.action, holderAfter(write, holders.get(write.action)))
    if (error === null) return []
    const message = `action ${write.action}: ${write.program} ${error} at ${write.atMs} ms`
    return [{ invariant: 'I4' as const, message }]
  })
}

function holderAfter({ program, deployment, before, after }: RowChange, holder: Holder | undefined): Holder {
  const claimed = before !== null && after !== null && after.fencingToken > before.fencingToken
  return {
    program: claimed ? program : (holder?.program ?? null),
    fencingToken: after?.fencingToken ?? 0,
    state: (after ?? before)?.state ?? '',
    kind: (after ?? before)?.kind ?? '',
    deployment,
  }
}

function outputError({ program, fencingToken }: OutputWrite, holder: Holder | undefined): string | null {
  if (holder === undefined) return 'wrote output of an unknown action'
  if (!isActive(holder.state)) return `wrote output after the end (${holder.state})`
  if (fencingToken !== holder.fencingToken)
    return `wrote output with fencing token ${fencingToken}, current is ${holder.fencingToken}`
  return program === holder.program ? null : `wrote output, but ${holder.program} holds the action`
}

function deleteError(
  { program, deployment, before }: RowChange,
  holders: Map<number, Holder>,
): string | null {
  if (before === null || program === harnessName) return null
  if (isActive(before.state)) return `deleted it while it was ${before.state}`
  // Any runner deletes the rows behind a cleanup.
  const cleanedUp = [...holders.values()].some(
    (one) => one.deployment === deployment && one.kind === 'cleanup' && one.state === 'succeeded',
  )
  return cleanedUp ? null : `deleted it after its end (${before.state}) without a cleanup`
}

function changeError({ program, before, after, atMs }: RowChange, holder: Holder | undefined): string | null {
  if (before === null || after === null) return null
  if (before.state === 'waiting') {
    const mayFollow = ['waiting', 'queued', 'superseded', 'cancelled'].includes(after.state)
    return mayFollow && after.fencingToken === 0 ? null : `changed it from waiting to ${after.state}`
  }
  if (!isActive(before.state)) return `changed it after its end (${before.state})`
  if (after.fencingToken < before.fencingToken)
    return `set fencing token ${before.fencingToken} back to ${after.fencingToken}`
  if (after.fencingToken > before.fencingToken) {
    // A runner claimed it, or the recovery ended it.
    const leftMs = (before.leaseEndMs ?? 0) - atMs
    return leftMs > toleranceMs ? `took it ${leftMs} ms before its lease ended` : null
  }
  const isUnclaimed = before.leaseEndMs === null || before.leaseEndMs <= atMs
  if (before.state === 'queued' && after.state === 'cancelled' && isUnclaimed) return null
  const needsLease = after.state !== before.state || after.leaseEndMs !== before.leaseEndMs
  if (!needsLease || program === holder?.program) return null
  return `changed it from ${before.state} to ${after.state} with fencing token ${after.fencingToken}, but ${holder?.program} holds it`
}
