/** The zod schemas of owners, sessions, roles and the policy, as requests and answers have them. Used by api-schema.ts. */
import { z } from 'zod'
import { proofNames } from './proof.ts'
import { allRights, namePattern, type Right, roles } from './roles.ts'

const timestamp = z.iso.datetime().describe('ISO 8601, UTC')

export const owner = z.object({ issuer: z.string(), subject: z.string(), name: z.string() })

export const ownerBody = z.strictObject({
  owner: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .nullable()
    .describe('somebody who has signed in, by subject, e-mail address or name; null: nobody'),
})

const role = z.enum(roles)
const grant = z.object({
  role,
  names: z.array(z.string()).describe('patterns of deployment names'),
  within: z.array(z.string()).optional().describe('only names that one of these matches too'),
  rule: z.string().describe('what gives the role'),
})

export const whoami = z.object({
  role: role.nullable().describe('the highest role of the caller; null: none'),
  actor: z.string().describe('the name that is stored with actions'),
  claimed_actor: z.string().nullable().describe('who the client says its user is, without proof'),
  proof: z.enum(proofNames),
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  grants: z.array(grant).describe('all count together'),
  respects_owners: z.boolean().describe('whether deployments of other owners are closed to developers'),
  output_readers: role.describe('the lowest role that may read output'),
  has_session: z.boolean().describe('whether a cookie has authenticated the request'),
  source: z.string().describe('page, octo, ci or api'),
  project: z.string(),
  name_max_length: z.int().optional().describe('the longest name of a new deployment (NAME_MAX_LENGTH)'),
  can_read_output: z.boolean().describe('whether the caller may read the output of actions'),
  credential_recognized: z
    .boolean()
    .nullable()
    .describe('whether this installation knows the Authorization header; null without one'),
  has_app_logs: z
    .boolean()
    .optional()
    .describe('whether a runner has the app_logs script, as of a few seconds ago'),
})

export const session = z.object({
  session_id: z.int(),
  name: z.string(),
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  proof: z.enum(proofNames),
  created_at: timestamp,
  last_seen_at: timestamp,
  expires_at: timestamp,
  address: z.string(),
  user_agent: z.string(),
  is_current: z.boolean(),
})

const namePatterns = z
  .array(z.string().regex(namePattern, 'may hold only a-z, 0-9, - and *'))
  .min(1)
  .max(100)
  .describe('patterns of deployment names; * stands for any number of characters')

export const newToken = z.strictObject({
  label: z.string().trim().min(1).max(200).describe('what the token is for'),
  expires_in_days: z.int().min(1).max(3650),
  role: role.optional().describe('the highest role that it gives; default: that of its owner'),
  names: namePatterns.optional().describe('the deployments for which it counts; default: all of its owner'),
  for: z.string().trim().min(1).max(500).optional().describe('for admins: the person whose token it is'),
  service: z
    .strictObject({
      name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'begins with a letter and holds only a-z, 0-9 and -'),
      owner_group: z.string().trim().min(1).max(500).describe('it may do at most what this group may do'),
    })
    .optional()
    .describe('a token of a service instead of a person'),
})

export const accessToken = z.object({
  token_id: z.int(),
  kind: z.enum(['personal', 'service', 'exchange']).describe('exchange: of a CI job, for its ID token'),
  label: z.string(),
  name: z.string().describe('who acts with it'),
  issuer: z.string(),
  subject: z.string(),
  owner_group: z.string().nullable(),
  created_by: z.string(),
  role,
  names: z.array(z.string()),
  created_at: timestamp,
  expires_at: timestamp,
  last_used_at: timestamp.nullable(),
  last_used_address: z.string().nullable(),
  state: z.enum(['valid', 'expired', 'revoked']),
})
export const createdToken = accessToken.extend({ token: z.string().describe('shown only here') })

export const deviceLogin = z.object({
  client_name: z.string().describe('what the program says it is'),
  address: z.string().describe('from where it asks'),
  is_same_address: z.boolean().describe('whether the caller has that address too'),
  created_at: timestamp,
  expires_at: timestamp,
})

export const deviceDecision = z.strictObject({
  user_code: z.string().max(100).describe('the code that the program shows'),
  approve: z.boolean(),
  role: role.optional().describe('the highest role of the token; default: that of the caller'),
  expires_in_days: z.int().min(1).max(3650).optional().describe('default: 90, or TOKEN_MAX_DAYS if less'),
})

/** The parameters of RFC 8693, also form-encoded. Others are ignored, as OAuth says. */
export const tokenExchange = z.object({
  grant_type: z.literal('urn:ietf:params:oauth:grant-type:token-exchange'),
  subject_token: z
    .string()
    .trim()
    .min(1)
    .max(16 * 1024)
    .describe('the ID token of the CI job'),
  subject_token_type: z
    .enum(['urn:ietf:params:oauth:token-type:id_token', 'urn:ietf:params:oauth:token-type:jwt'])
    .default('urn:ietf:params:oauth:token-type:id_token'),
  requested_token_type: z.literal('urn:ietf:params:oauth:token-type:access_token').optional(),
  scope: z.never({ error: 'is not supported: the trust rule decides what the token gives' }).optional(),
  actor_token: z.never({ error: 'is not supported' }).optional(),
})

export const exchangedToken = z.object({
  access_token: z.string().describe('for the header Authorization, as Bearer'),
  issued_token_type: z.literal('urn:ietf:params:oauth:token-type:access_token'),
  token_type: z.literal('Bearer'),
  expires_in: z.int().describe('seconds'),
  role,
  names: z.array(z.string()).describe('patterns of deployment names'),
})

export const policyState = z.object({
  file: z.string().nullable().describe('OCTOPOD_POLICY; null: not set'),
  accepted_at: timestamp.nullable(),
  problems: z.array(z.string()).describe('why the present file is not in use; empty: it is'),
  default_role: z.enum([...roles, 'none']),
  rules: z.array(z.string()),
  trust: z.array(z.string()).optional().describe('which ID tokens of CI systems are exchanged, in order'),
})

export const explainQuery = z.strictObject({
  as: z
    .string()
    .max(200)
    .optional()
    .describe('a person, by subject, e-mail address or name; default: the caller'),
  group: z
    // All together fit into the 16 KiB that Node reads of a request line and its headers, also percent-encoded.
    .array(z.string().max(100))
    .max(8)
    .optional()
    .describe('more groups of that person; may be repeated'),
  right: z.enum(allRights as [Right, ...Right[]]),
  name: z.string().max(100).optional().describe('a deployment'),
})

export const explanation = z.object({
  allowed: z.boolean(),
  message: z.string(),
  grants: z.array(grant),
})

/** /config.json, which the page reads first. */
export const pageConfig = z.object({
  app_url: z.string(),
  ws_url: z.string(),
  app_auth: z.string(),
  kubernetes_dashboard_url_template: z.string().nullable(),
  project_name: z.string().optional().describe('for the page before somebody has signed in'),
  sign_in: z
    .object({
      oidc: z.string().nullable().describe('the name of the provider; null: none'),
      shared: z.boolean().describe('whether a shared credential is accepted'),
      anonymous: z.boolean().describe('whether the page works without signing in'),
    })
    .optional(),
  name_max_length: z.int().optional().describe('the longest name of a new deployment (NAME_MAX_LENGTH)'),
  token_max_days: z.int().optional().describe('the longest lifetime of an access token (TOKEN_MAX_DAYS)'),
  has_session: z.boolean().optional().describe('whether the cookie of the request is a session'),
})

export type WhoAmI = z.infer<typeof whoami>
export type Owner = z.infer<typeof owner>
export type SessionInfo = z.infer<typeof session>
export type AccessToken = z.infer<typeof accessToken>
export type DeviceLogin = z.infer<typeof deviceLogin>
export type PageConfig = z.infer<typeof pageConfig>
