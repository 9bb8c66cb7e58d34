/** Examples of pauses. Part of examples.ts, which checks their shapes. */

const pause = {
  what: 'checks' as const,
  since: '2026-03-01T10:00:00.000000Z',
  until: '2026-03-01T12:00:00.000000Z',
  by: 'ann',
  reason: 'cluster upgrade',
}

export const pauseExamples = {
  listPauses: { response: [pause] },
  pauseWork: { body: { reason: 'cluster upgrade', for_seconds: 7200 }, response: pause },
}
