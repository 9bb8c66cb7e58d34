/** The part of the endpoint table about owners, sessions, roles and the policy. Part of api-schema.ts. */
import { z } from 'zod'
import { type Endpoint, endpoints } from '../endpoints.ts'
import { success } from '../schemas.ts'
import * as shapes from './access-schemas.ts'

export const accessEndpoints = {
  whoami: {
    ...endpoints.whoami,
    right: 'known',
    since: '2.0',
    summary: 'Who the caller is, how that is proved, and what it may do',
    response: shapes.whoami,
    errors: ['bad_request'],
  },
  setOwner: {
    ...endpoints.setOwner,
    right: 'change_owner',
    since: '2.0',
    summary: 'Give a deployment to another owner, or to nobody',
    body: shapes.ownerBody,
    response: success,
    errors: ['bad_request', 'no_such_deployment', 'idempotency_key_reused'],
  },
  listSessions: {
    ...endpoints.listSessions,
    right: 'known',
    since: '2.0',
    summary: 'The sessions of the caller; all=true: of everybody, for admins',
    query: z.strictObject({ all: z.enum(['true', 'false']).default('false') }),
    response: z.array(shapes.session),
    errors: ['bad_request'],
  },
  endSession: {
    ...endpoints.endSession,
    right: 'known',
    since: '2.0',
    summary: 'End a session of the caller, or of anybody for admins',
    response: success,
    errors: ['no_such_session'],
  },
  listTokens: {
    ...endpoints.listTokens,
    right: 'known',
    since: '2.0',
    summary:
      'The access tokens of the caller and of services of its groups; all=true: of everybody, for admins',
    query: z.strictObject({ all: z.enum(['true', 'false']).default('false') }),
    response: z.array(shapes.accessToken),
    errors: ['bad_request'],
  },
  createToken: {
    ...endpoints.createToken,
    right: 'known',
    since: '2.0',
    summary: 'Create an access token; the answer is the only place where it is shown',
    body: shapes.newToken,
    response: shapes.createdToken,
    errors: ['bad_request', 'forbidden'],
  },
  revokeToken: {
    ...endpoints.revokeToken,
    right: 'known',
    since: '2.0',
    summary: 'Revoke an access token of the caller, or of anybody for admins; current: that of the request',
    response: success,
    errors: ['no_such_token'],
  },
  getDeviceLogin: {
    ...endpoints.getDeviceLogin,
    right: 'known',
    since: '2.0',
    summary: 'Which program asks for an access token with this code',
    query: z.strictObject({ user_code: z.string().max(100).describe('the code that the program shows') }),
    response: shapes.deviceLogin,
    errors: ['bad_request', 'forbidden', 'no_such_code'],
  },
  decideDeviceLogin: {
    ...endpoints.decideDeviceLogin,
    right: 'known',
    since: '2.0',
    summary: 'Approve or deny the access token of a program; only from the page',
    body: shapes.deviceDecision,
    response: success,
    errors: ['bad_request', 'forbidden', 'no_such_code'],
  },
  getPolicy: {
    ...endpoints.getPolicy,
    right: 'read_policy',
    since: '2.0',
    summary: 'The policy in use, and what is wrong with a newer file',
    response: shapes.policyState,
    errors: [],
  },
  explainPolicy: {
    ...endpoints.explainPolicy,
    right: 'known',
    since: '2.0',
    summary: 'Whether somebody has a right, and what gives or denies it; about others for admins',
    query: shapes.explainQuery,
    response: shapes.explanation,
    errors: ['bad_request'],
  },
} as const satisfies Record<string, Endpoint>
