/**
 * All callers within two seconds get the answer of one examination, so repeated requests do not load the stores. Created by create-services.ts,
 * called by doctor-handler.ts.
 */

import type { DoctorResult } from '../../domain/doctor/doctor-endpoints.ts'
import { type DoctorFacts, knownValue } from '../../domain/doctor/facts.ts'
import { judge } from '../../domain/doctor/judge.ts'
import type { SeenProgram } from '../../domain/doctor/program-report.ts'

export type Doctor = { examine(collect: () => Promise<DoctorFacts>): Promise<DoctorResult> }

const maxAgeMs = 2000

export function createDoctor(): Doctor {
  let last: { startedAt: number; result: Promise<DoctorResult> } | null = null
  let isRunning = false
  return {
    examine(collect) {
      if (last !== null && (isRunning || performance.now() - last.startedAt < maxAgeMs)) return last.result
      isRunning = true
      const result = examine(collect).finally(() => {
        isRunning = false
      })
      last = { startedAt: performance.now(), result }
      return result
    },
  }
}

async function examine(collect: () => Promise<DoctorFacts>): Promise<DoctorResult> {
  const checkedAt = new Date()
  const startedAt = performance.now()
  const facts = await collect()
  const programs = knownValue(facts.programs) ?? []
  return {
    checked_at: checkedAt.toISOString(),
    duration_ms: Math.round(performance.now() - startedAt),
    server: facts.self,
    findings: judge(facts),
    servers: programs.filter(({ kind }) => kind === 'server').map(toProgram),
    runners: programs
      .filter(({ kind }) => kind === 'runner')
      .map((one) => ({ ...toProgram(one), under_way: one.underWay ?? 0 })),
    stores: { postgresql: toStore(knownValue(facts.postgres)), redis: toStore(knownValue(facts.redis)) },
    actions: toActions(facts),
  }
}

const toProgram = ({ name, version, node, startedAtMs, silentMs, clockOffsetMs }: SeenProgram) => ({
  name,
  version,
  node,
  started_at: new Date(startedAtMs).toISOString(),
  last_report_seconds: Math.round(silentMs / 1000),
  clock_offset_ms: clockOffsetMs,
})

type StoreState = { version: string; latencyMs: number; clockOffsetMs: number }
const toStore = (state: StoreState | null) =>
  state === null
    ? null
    : {
        version: state.version,
        latency_ms: Math.round(state.latencyMs * 10) / 10,
        clock_offset_ms: Math.round(state.clockOffsetMs),
      }

function toActions({ actions }: DoctorFacts): DoctorResult['actions'] {
  const known = knownValue(actions)
  if (known === null) return null
  const { running, queued, waiting, oldestQueuedSeconds, lateChecks } = known
  return {
    running,
    queued,
    waiting,
    oldest_queued_seconds: Math.round(oldestQueuedSeconds),
    late_checks: lateChecks,
  }
}
