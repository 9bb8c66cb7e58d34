/**
 * What each server and runner reports about itself every 15 seconds, in Redis. Written by db/redis/program-reports.ts, judged by
 * judge-programs.ts.
 */
import { z } from 'zod'
import type { SettingName } from '../settings.ts'

export const reportIntervalMs = 15_000
/** A program that has missed three reports is silent. */
export const silentAfterMs = 4 * reportIntervalMs
/** A silent program is forgotten then. */
export const forgottenAfterMs = 15 * 60_000

/** Settings that must have one value at all servers and runners. */
export const comparedSettings = [
  'PROJECT_NAME',
  'CACHE_UPDATE_TIME',
  'CACHE_INVALIDATION_TIME',
  'CONFIG_CHECK_TIMEOUT',
  'OUTPUT_RETENTION',
  'OUTPUT_DEPLOYMENT_LIMIT',
  'OUTPUT_TOTAL_LIMIT',
  'ACTION_RETENTION',
  'ACTION_HISTORY_LIMIT',
  'SECRET_KEYS',
] as const satisfies SettingName[]

const text = z.string().max(300)
const digest = z.string().max(64)

const scriptsReport = z.object({
  /** Of their names and contents, with the manifest. */
  digest,
  manifest: text,
  /** What is wrong with them now, which the start would refuse. */
  problems: z.array(text).max(10),
  unknownManifestKeys: z.array(text).max(10),
})
export type ScriptsReport = z.infer<typeof scriptsReport>

export const programReport = z.object({
  kind: z.enum(['server', 'runner']),
  name: text,
  version: text,
  node: text,
  startedAtMs: z.number(),
  /** Its clock less that of PostgreSQL; null while PostgreSQL does not answer it. */
  clockOffsetMs: z.number().nullable(),
  /** How many connections to PostgreSQL it may open. */
  connections: z.int(),
  policy: z.object({
    /** Of the policy that it uses; null without one. */
    digest: digest.nullable(),
    /** Why a newer one is not in use. */
    problems: z.int(),
  }),
  /** Digests of comparedSettings. */
  settings: z.record(text, digest),
  /** Of a runner. */
  underWay: z.int().optional(),
  scripts: scriptsReport.optional(),
})
export type ProgramReport = z.infer<typeof programReport>

/** `silentMs`: since its last report, by the clock of Redis. */
export type SeenProgram = ProgramReport & { silentMs: number }
