/** The schemas of `settings` and `policy.inline` in values.schema.json, generated from domain. Used by write-golden.ts and the tests. */
import { z } from 'zod'
import { policySchema } from '../../../domain/access/policy.ts'
import { type SettingName, settings } from '../../../domain/settings.ts'

export const schemaFile = new URL('../../../infra/chart/values.schema.json', import.meta.url)

/** Settings that are not under `settings`, each with its value in the chart. */
export const settingsWithOwnValue: Partial<Record<SettingName, string>> = {
  DATABASE_URL: 'postgres',
  MIGRATION_DATABASE_URL: 'migration.existingSecret',
  REDIS_URL: 'redis',
  POWER_AUTHORIZATION_HEADER: 'authorization.admin',
  APP_AUTHORIZATION_HEADER: 'authorization.user',
  OIDC_ISSUER: 'oidc.issuer',
  OIDC_CLIENT_ID: 'oidc.clientId',
  OIDC_CLIENT_SECRET: 'oidc.existingSecret, which is mounted as a file',
  OIDC_CLIENT_SECRET_FILE: 'oidc.existingSecret',
  OIDC_SCOPES: 'oidc.scopes',
  OIDC_GROUPS_CLAIM: 'oidc.groupsClaim',
  OIDC_ALLOWED_GROUPS: 'oidc.allowedGroups',
  OIDC_NAME: 'oidc.name',
  ACTOR_HEADER: 'proxy.actorHeader',
  GROUPS_HEADER: 'proxy.groupsHeader',
  TRUSTED_PROXIES: 'proxy.trusted',
  OCTOPOD_POLICY: 'policy',
  WEBHOOK_SECRETS: 'webhooks.existingSecret',
  ANONYMOUS_ROLE: 'access.anonymousRole',
  USER_ROLE: 'access.userRole',
  SIGNED_IN_ROLE: 'access.signedInRole',
  OWNERSHIP: 'access.ownership',
  SHARED_CREDENTIALS: 'access.sharedCredentials',
  CONTROL_SCRIPTS_DIR: 'controlScripts.path',
  METRICS_PORT: 'metrics.port',
  HEARTBEAT_FILE: 'set by the chart, because its probes read the file',
}

export function settingsSchema(): Record<string, unknown> {
  const names = (Object.keys(settings) as SettingName[]).filter((name) => !(name in settingsWithOwnValue))
  return Object.fromEntries(
    names.map((name) => [
      name,
      { description: settings[name].description, ...schemaOf(settings[name].parse) },
    ]),
  )
}

/** The schema of `policy.inline`, which may be empty. */
export function policySchemaOfValues(): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(policySchema, { io: 'input', target: 'draft-7' })
  return { if: { type: 'object', maxProperties: 0 }, else: schema }
}

/** null removes a default of values.yaml. */
function schemaOf(parse: z.ZodType): Record<string, unknown> {
  const inner = parse instanceof z.ZodDefault ? parse.unwrap() : parse
  if (inner instanceof z.ZodEnum) {
    // YAML reads an unquoted on or off as a boolean.
    const booleans = inner.options.includes('true') ? [true, false] : []
    return { enum: [...inner.options, ...booleans, '', null] }
  }
  // 200 is too large for no setting, 2000 too small for none.
  const isNumber =
    ['200', '2000'].some((value) => parse.safeParse(value).success) && !parse.safeParse('words').success
  return isNumber
    ? { type: ['number', 'string', 'null'], pattern: '^[0-9]*(\\.[0-9]+)?$' }
    : { type: ['string', 'null'] }
}
