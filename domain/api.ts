/**
 * The HTTP API as one table: the server mounts it, the page and octo call by it, OpenAPI is made from it.
 * Paths and shapes of contract §4; those marked `ours` are additions.
 */
import { z } from 'zod'
import type { ErrorCode } from './errors.ts'
import { places } from './places.ts'
import * as shapes from './shapes.ts'

export type Role = 'open' | 'user' | 'admin'

export type Endpoint = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below /api/v1, with `:name` for parameters. */
  path: string
  role: Role
  summary: string
  ours: boolean
  query?: z.ZodObject
  body?: z.ZodType
  /** A schema: JSON of that shape. `text`: plain text. `events`: server-sent events. */
  answer: z.ZodType | 'text' | 'events'
  refusals: readonly ErrorCode[]
}

const moves = [
  'bad_request',
  'no_such_deployment',
  'busy',
  'impossible_move',
  'key_reused',
  'shutting_down',
] as const
const checked = ['config_refused', 'script_failed', 'runners_away', 'stores_away'] as const

export const outputQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe('chunks with a greater number'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
})
export const actionsQuery = z.strictObject({
  before: z.coerce.number().int().min(1).optional().describe('actions with a smaller id'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

export const api = {
  listDeployments: {
    ...places.listDeployments,
    role: 'user',
    ours: false,
    summary: 'All deployments, newest change first; answers 304 to the present ETag',
    answer: z.array(shapes.fullInfo),
    refusals: [],
  },
  createDeployment: {
    ...places.createDeployment,
    role: 'user',
    ours: false,
    summary: 'Create a deployment',
    body: shapes.createBody,
    answer: shapes.success,
    refusals: ['bad_request', 'bad_name', 'name_taken', 'key_reused', 'shutting_down', ...checked],
  },
  updateDeployment: {
    ...places.updateDeployment,
    role: 'user',
    ours: false,
    summary: 'Update a deployment: the whole new set of overrides of both levels',
    body: shapes.updateBody,
    answer: shapes.success,
    refusals: [...moves, 'changed_meanwhile', ...checked],
  },
  archiveDeployment: {
    ...places.archiveDeployment,
    role: 'user',
    ours: false,
    summary: 'Archive a deployment',
    answer: shapes.success,
    refusals: moves,
  },
  restoreDeployment: {
    ...places.restoreDeployment,
    role: 'user',
    ours: false,
    summary: 'Restore an archived deployment',
    answer: shapes.success,
    refusals: [...moves, ...checked],
  },
  cleanupDeployment: {
    ...places.cleanupDeployment,
    role: 'admin',
    ours: false,
    summary: 'Clean up an archived deployment: its resources, its record and its actions',
    answer: shapes.success,
    refusals: moves,
  },
  deleteDeployment: {
    ...places.deleteDeployment,
    role: 'admin',
    ours: false,
    summary: 'Forget a deployment without running a script',
    answer: shapes.success,
    refusals: ['bad_request', 'no_such_deployment', 'busy', 'key_reused'],
  },
  getFullInfo: {
    ...places.getFullInfo,
    role: 'user',
    ours: false,
    summary: 'One deployment with its last action and its last check',
    answer: shapes.fullInfoWithCheck,
    refusals: ['no_such_deployment'],
  },
  getInfo: {
    ...places.getInfo,
    role: 'user',
    ours: false,
    summary: 'One deployment with its finished actions, newest first (a list of one element)',
    answer: z.array(shapes.info),
    refusals: ['no_such_deployment'],
  },
  getStatus: {
    ...places.getStatus,
    role: 'user',
    ours: false,
    summary: 'Run the check script now',
    answer: z.object({ status: z.enum(['Ok', 'Error']) }),
    refusals: ['no_such_deployment', 'script_failed', 'runners_away', 'stores_away'],
  },
  listActions: {
    ...places.listActions,
    role: 'user',
    ours: true,
    summary: 'The actions of a deployment, newest first, a page at a time',
    query: actionsQuery,
    answer: z.array(shapes.action),
    refusals: ['bad_request', 'no_such_deployment'],
  },
  getAction: {
    ...places.getAction,
    role: 'user',
    ours: true,
    summary: 'One action',
    answer: shapes.action,
    refusals: ['bad_request', 'no_such_action'],
  },
  cancelAction: {
    ...places.cancelAction,
    role: 'user',
    ours: true,
    summary: 'Cancel a queued or running action; asking twice is the same as asking once',
    answer: shapes.success,
    refusals: ['bad_request', 'no_such_action', 'too_late'],
  },
  getOutput: {
    ...places.getOutput,
    role: 'admin',
    ours: true,
    summary: 'The output of an action in numbered chunks, also while it runs',
    query: outputQuery,
    answer: shapes.outputPage,
    refusals: ['bad_request', 'no_such_action'],
  },
  streamOutput: {
    ...places.streamOutput,
    role: 'admin',
    ours: true,
    summary: 'The output of an action as server-sent events until it ends; resumes after Last-Event-ID',
    query: z.strictObject({ after: z.coerce.number().int().min(0).optional() }),
    answer: 'events',
    refusals: ['bad_request', 'no_such_action'],
  },
  getLog: {
    ...places.getLog,
    role: 'admin',
    ours: false,
    summary: 'The whole output of an action',
    answer: shapes.wholeOutput,
    refusals: ['bad_request', 'no_such_action'],
  },
  getDeploymentConfig: {
    ...places.getDeploymentConfig,
    role: 'user',
    ours: false,
    summary: 'Default deployment config',
    answer: shapes.pairs,
    refusals: ['script_failed', 'runners_away', 'stores_away'],
  },
  getDeploymentKeys: {
    ...places.getDeploymentKeys,
    role: 'user',
    ours: false,
    summary: 'The keys that may be set in the deployment config',
    answer: shapes.keys,
    refusals: ['script_failed', 'runners_away', 'stores_away'],
  },
  getApplicationConfig: {
    ...places.getApplicationConfig,
    role: 'user',
    ours: false,
    summary: 'Default application config under an effective deployment config',
    body: shapes.configIn,
    answer: shapes.pairs,
    refusals: ['bad_request', 'script_failed', 'runners_away', 'stores_away'],
  },
  getApplicationKeys: {
    ...places.getApplicationKeys,
    role: 'user',
    ours: false,
    summary: 'The keys that may be set in the application config under an effective deployment config',
    body: shapes.configIn,
    answer: shapes.keys,
    refusals: ['bad_request', 'script_failed', 'runners_away', 'stores_away'],
  },
  ping: {
    ...places.ping,
    role: 'open',
    ours: false,
    summary: 'The git revision of this build, after asking the database',
    answer: 'text',
    refusals: ['stores_away'],
  },
  getProjectName: {
    ...places.getProjectName,
    role: 'user',
    ours: false,
    summary: 'The name of the project',
    answer: z.string(),
    refusals: [],
  },
  whoami: {
    ...places.whoami,
    role: 'user',
    ours: true,
    summary: 'What the credential allows, and under which name an action would be kept',
    answer: shapes.whoami,
    refusals: [],
  },
} as const satisfies Record<string, Endpoint>

export type Api = typeof api
export type EndpointName = keyof Api
