/**
 * I4: what the database accepted came from the hand that held the action, at the epoch it held it by; nobody took a lease
 * that was still held, and what has ended stays as it is, until whoever cleaned its deployment up takes it all away.
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

type Holder = { by: string | null; fencingToken: number; state: string; kind: string; deployment: number }

export function checkFencing(history: History): Violation[] {
  const holdings = new Map<number, Holder>()
  return history.writes.flatMap((write) => {
    const wrong =
      write.what === 'output'
        ? outputError(write, holdings.get(write.action))
        : write.after === null
          ? deleteError(write, holdings)
          : changeError(write, holdings.get(write.action))
    if (write.what === 'row') holdings.set(write.action, holderAfter(write, holdings.get(write.action)))
    return wrong === null
      ? []
      : [
          {
            invariant: 'I4' as const,
            message: `action ${write.action}: ${write.by} ${wrong} at ${write.atMs} ms`,
          },
        ]
  })
}

function holderAfter({ by, deployment, before, after }: RowChange, holding: Holder | undefined): Holder {
  const taken = before !== null && after !== null && after.fencingToken > before.fencingToken
  return {
    by: taken ? by : (holding?.by ?? null),
    fencingToken: after?.fencingToken ?? 0,
    state: (after ?? before)?.state ?? '',
    kind: (after ?? before)?.kind ?? '',
    deployment,
  }
}

function outputError({ by, fencingToken }: OutputWrite, holding: Holder | undefined): string | null {
  if (holding === undefined) return 'wrote output of an action nobody knows'
  if (!isActive(holding.state)) return `wrote output after the end (${holding.state})`
  if (fencingToken !== holding.fencingToken)
    return `wrote output with epoch ${fencingToken}, held is ${holding.fencingToken}`
  return by === holding.by ? null : `wrote output, held is it by ${holding.by}`
}

function deleteError({ by, deployment, before }: RowChange, holdings: Map<number, Holder>): string | null {
  if (before === null || by === harnessName) return null
  if (isActive(before.state)) return `deleted it while it was ${before.state}`
  const cleaned = [...holdings.values()].some(
    (one) =>
      one.deployment === deployment && one.kind === 'cleanup' && one.by === by && one.state === 'succeeded',
  )
  return cleaned ? null : `deleted what had ended as ${before.state}, and has not cleaned its deployment up`
}

function changeError({ by, before, after, atMs }: RowChange, holding: Holder | undefined): string | null {
  if (before === null || after === null) return null
  if (!isActive(before.state)) return `changed what had ended as ${before.state}`
  if (after.fencingToken < before.fencingToken)
    return `went back from epoch ${before.fencingToken} to ${after.fencingToken}`
  if (after.fencingToken > before.fencingToken) {
    // Taken by a runner, or ended by whoever swept.
    const leftMs = (before.leaseEndMs ?? 0) - atMs
    return leftMs > toleranceMs ? `took it while its lease was held for another ${leftMs} ms` : null
  }
  const unheld = before.leaseEndMs === null || before.leaseEndMs <= atMs
  if (before.state === 'queued' && after.state === 'cancelled' && unheld) return null
  const asHolder = after.state !== before.state || after.leaseEndMs !== before.leaseEndMs
  if (!asHolder || by === holding?.by) return null
  return `changed it from ${before.state} to ${after.state} with epoch ${after.fencingToken}, held is it by ${holding?.by}`
}
