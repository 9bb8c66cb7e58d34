/** The part of the endpoint table about the doctor. Part of api-schema.ts. */
import { z } from 'zod'
import { type Endpoint, endpoints } from '../endpoints.ts'
import { type FindingCode, findingCodes, levels, subjects } from './finding-codes.ts'

const codes = ['ok', ...Object.keys(findingCodes)] as ['ok', ...FindingCode[]]

const finding = z.object({
  code: z.enum(codes).describe('ok: nothing is wrong with the subject'),
  level: z.enum(levels),
  subject: z.enum(subjects),
  message: z.string(),
  cure: z.string().nullable().describe('what to do; null with the code ok'),
  link: z.string().nullable().describe('path of the explanation; null with the code ok'),
})

const program = z.object({
  name: z.string(),
  version: z.string().describe('GIT_REVISION'),
  node: z.string(),
  started_at: z.iso.datetime(),
  last_report_seconds: z.number().describe('age of its last report'),
  clock_offset_ms: z
    .number()
    .nullable()
    .describe('its clock less that of PostgreSQL; null: PostgreSQL does not answer it'),
})

const store = z
  .object({
    version: z.string(),
    latency_ms: z.number(),
    clock_offset_ms: z.number().describe('its clock less that of the server that answers'),
  })
  .nullable()
  .describe('null: it does not answer')

export const doctorResult = z.object({
  checked_at: z.iso.datetime().describe('by the clock of the server that answers'),
  duration_ms: z.number(),
  server: z.string().describe('which server answers'),
  findings: z.array(finding),
  servers: z.array(program),
  runners: z.array(program.extend({ under_way: z.int().describe('actions that it executes') })),
  stores: z.object({ postgresql: store, redis: store }),
  actions: z
    .object({
      running: z.int(),
      queued: z.int(),
      waiting: z.int(),
      oldest_queued_seconds: z.number(),
      late_checks: z.int(),
    })
    .nullable()
    .describe('null: PostgreSQL does not answer'),
})
export type DoctorResult = z.infer<typeof doctorResult>

export const doctorEndpoints = {
  getDoctor: {
    ...endpoints.getDoctor,
    right: 'diagnose',
    since: '2.0',
    summary: 'What is wrong with servers, runners, stores, control scripts and policy, with a cure each',
    response: doctorResult,
    errors: [],
  },
} as const satisfies Record<string, Endpoint>
