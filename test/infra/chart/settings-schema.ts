/** The schema of `settings` in values.schema.json, generated from domain/settings.ts. Used by chart-suite.ts. */
import { z } from 'zod'
import { type SettingName, settings } from '../../../domain/settings.ts'

/** Settings that are not under `settings`, each with its value in the chart. */
export const settingsWithOwnValue: Partial<Record<SettingName, string>> = {
  DATABASE_URL: 'postgres',
  REDIS_URL: 'redis',
  POWER_AUTHORIZATION_HEADER: 'authorization.admin',
  APP_AUTHORIZATION_HEADER: 'authorization.user',
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
