/** What values.schema.json has to say of `settings`, made from domain/settings.ts. */
import { z } from 'zod'
import { type SettingName, settings } from '../../../domain/settings.ts'

/** Settings that have a place of their own in the values. */
export const settingsWithOwnValue: Partial<Record<SettingName, string>> = {
  DATABASE_URL: 'postgres',
  REDIS_URL: 'redis',
  POWER_AUTHORIZATION_HEADER: 'authorization.admin',
  APP_AUTHORIZATION_HEADER: 'authorization.user',
  CONTROL_SCRIPTS_DIR: 'controlScripts.path',
  METRICS_PORT: 'metrics.port',
  HEARTBEAT_FILE: 'the chart itself: its probes look at it',
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

/** A null takes a default of values.yaml away. */
function schemaOf(parse: z.ZodType): Record<string, unknown> {
  const inner = parse instanceof z.ZodDefault ? parse.unwrap() : parse
  if (inner instanceof z.ZodEnum) return { enum: [...inner.options, '', null] }
  const isNumber = parse.safeParse('2000').success && !parse.safeParse('words').success
  return isNumber
    ? { type: ['number', 'string', 'null'], pattern: '^[0-9]*(\\.[0-9]+)?$' }
    : { type: ['string', 'null'] }
}
