/** The example of GET /doctor. Part of examples.ts. */
import type { DoctorResult } from '../../domain/doctor/doctor-endpoints.ts'
import { okFinding, toFinding } from '../../domain/doctor/finding-codes.ts'

const program = {
  version: '3f1c9b2',
  node: 'v26.10.0',
  started_at: '2026-03-01T08:00:00.000Z',
  last_report_seconds: 4,
  clock_offset_ms: -3,
}

export const doctorExample: DoctorResult = {
  checked_at: '2026-03-01T10:00:00.000Z',
  duration_ms: 14,
  server: 'octopod-server-1-1-0b2f7a7e',
  findings: [
    toFinding('redis_eviction', 'maxmemory-policy is allkeys-lru.'),
    okFinding('postgresql', 'version 16.4, answers in 1 ms'),
  ],
  servers: [{ name: 'octopod-server-1-1-0b2f7a7e', ...program }],
  runners: [{ name: 'octopod-runner-1-1-5d1c9a10', ...program, under_way: 2 }],
  stores: {
    postgresql: { version: '16.4', latency_ms: 0.8, clock_offset_ms: 3 },
    redis: { version: '7.2.4', latency_ms: 0.3, clock_offset_ms: 1 },
  },
  actions: { running: 2, queued: 1, waiting: 0, oldest_queued_seconds: 3, late_checks: 0 },
}
