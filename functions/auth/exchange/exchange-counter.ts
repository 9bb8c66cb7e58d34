/** Counts exchanged and rejected ID tokens, for the metrics. Created by auth.ts. */

export type ExchangeCounter = {
  record(outcome: 'accepted' | 'rejected'): void
  acceptedCount(): number
  rejectedCount(): number
}

export function createExchangeCounter(): ExchangeCounter {
  const counts = { accepted: 0, rejected: 0 }
  return {
    record: (outcome) => {
      counts[outcome] += 1
    },
    acceptedCount: () => counts.accepted,
    rejectedCount: () => counts.rejected,
  }
}
