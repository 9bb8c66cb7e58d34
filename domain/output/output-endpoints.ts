/** The part of the endpoint table about the output of actions and the logs of running apps. Part of api-schema.ts. */
import { z } from 'zod'
import { type Endpoint, endpoints } from '../endpoints.ts'
import * as shapes from '../schemas.ts'
import { defaultAppLogTail, maxAppLogTail } from './app-log-events.ts'

export const outputQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe('chunks with a greater number'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
})
const appLogsQuery = z.strictObject({
  tail: z.coerce
    .number()
    .int()
    .min(0)
    .max(maxAppLogTail)
    .default(defaultAppLogTail)
    .describe('how many of the last lines come first'),
  follow: z
    .enum(['true', 'false'])
    .default('true')
    .describe('false: the stream ends after the lines that are there'),
})

export const outputEndpoints = {
  getOutput: {
    ...endpoints.getOutput,
    right: 'read_output',
    since: '2.0',
    summary: 'The output of an action in numbered chunks, also while it runs',
    query: outputQuery,
    response: shapes.outputPage,
    errors: ['bad_request', 'no_such_action'],
  },
  streamOutput: {
    ...endpoints.streamOutput,
    right: 'read_output',
    since: '2.0',
    summary: 'The output of an action as server-sent events until it ends; resumes after Last-Event-ID',
    query: z.strictObject({
      after: z.coerce.number().int().min(0).optional(),
      hold: z.coerce
        .number()
        .int()
        .min(0)
        .max(10)
        .optional()
        .describe(
          'for how many seconds the stream stays open after its last event; shows whether a proxy buffers',
        ),
    }),
    response: 'events',
    errors: ['bad_request', 'no_such_action'],
  },
  getLog: {
    ...endpoints.getLog,
    right: 'read_output',
    since: '1.6',
    summary: 'The whole output of an action',
    response: shapes.wholeOutput,
    errors: ['bad_request', 'no_such_action'],
  },
  streamAppLogs: {
    ...endpoints.streamAppLogs,
    right: 'read_output',
    since: '2.0',
    summary: 'The logs of the running app as server-sent events; resumes after Last-Event-ID',
    runsScript: true,
    query: appLogsQuery,
    response: 'events',
    errors: [
      'bad_request',
      'no_such_deployment',
      'no_app_logs',
      'app_logs_busy',
      'script_query_timeout',
      'service_unavailable',
    ],
  },
} as const satisfies Record<string, Endpoint>
