/**
 * I4: what the database accepted came from the hand that held the action, at the epoch it held it by; nobody took a lease
 * that was still held, and what has ended stays as it is, until whoever cleaned its deployment up takes it all away.
 */
import {
  type History,
  isActive,
  type OutputWrite,
  type RowChange,
  rigName,
  toleranceMs,
  type Violation,
} from './history.ts'

type Holding = { by: string | null; epoch: number; state: string; kind: string; deployment: number }

export function checkEpochs(history: History): Violation[] {
  const holdings = new Map<number, Holding>()
  return history.writes.flatMap((write) => {
    const wrong =
      write.what === 'output'
        ? wrongOutput(write, holdings.get(write.action))
        : write.after === null
          ? wrongDelete(write, holdings)
          : wrongChange(write, holdings.get(write.action))
    if (write.what === 'row') holdings.set(write.action, holdingAfter(write, holdings.get(write.action)))
    return wrong === null
      ? []
      : [
          {
            invariant: 'I4' as const,
            words: `action ${write.action}: ${write.by} ${wrong} at ${write.atMs} ms`,
          },
        ]
  })
}

function holdingAfter({ by, deployment, before, after }: RowChange, holding: Holding | undefined): Holding {
  const taken = before !== null && after !== null && after.epoch > before.epoch
  return {
    by: taken ? by : (holding?.by ?? null),
    epoch: after?.epoch ?? 0,
    state: (after ?? before)?.state ?? '',
    kind: (after ?? before)?.kind ?? '',
    deployment,
  }
}

function wrongOutput({ by, epoch }: OutputWrite, holding: Holding | undefined): string | null {
  if (holding === undefined) return 'wrote output of an action nobody knows'
  if (!isActive(holding.state)) return `wrote output after the end (${holding.state})`
  if (epoch !== holding.epoch) return `wrote output with epoch ${epoch}, held is ${holding.epoch}`
  return by === holding.by ? null : `wrote output, held is it by ${holding.by}`
}

function wrongDelete({ by, deployment, before }: RowChange, holdings: Map<number, Holding>): string | null {
  if (before === null || by === rigName) return null
  if (isActive(before.state)) return `deleted it while it was ${before.state}`
  const cleaned = [...holdings.values()].some(
    (one) =>
      one.deployment === deployment && one.kind === 'cleanup' && one.by === by && one.state === 'succeeded',
  )
  return cleaned ? null : `deleted what had ended as ${before.state}, and has not cleaned its deployment up`
}

function wrongChange({ by, before, after, atMs }: RowChange, holding: Holding | undefined): string | null {
  if (before === null || after === null) return null
  if (!isActive(before.state)) return `changed what had ended as ${before.state}`
  if (after.epoch < before.epoch) return `went back from epoch ${before.epoch} to ${after.epoch}`
  if (after.epoch > before.epoch) {
    // Taken by a runner, or ended by whoever swept.
    const leftMs = (before.leaseEndMs ?? 0) - atMs
    return leftMs > toleranceMs ? `took it while its lease was held for another ${leftMs} ms` : null
  }
  const unheld = before.leaseEndMs === null || before.leaseEndMs <= atMs
  if (before.state === 'queued' && after.state === 'cancelled' && unheld) return null
  const asHolder = after.state !== before.state || after.leaseEndMs !== before.leaseEndMs
  if (!asHolder || by === holding?.by) return null
  return `changed it from ${before.state} to ${after.state} with epoch ${after.epoch}, held is it by ${holding?.by}`
}
