/** The schema of the chart's values knows every setting. Needs no helm. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { type SettingName, settings } from '../../../domain/settings.ts'
import { policySchemaOfValues, settingsSchema, settingsWithOwnValue } from './settings-schema.ts'

test('values.schema.json has every setting and no other name (UPDATE_GOLDEN=1 writes them)', () => {
  const file = new URL('../../../infra/chart/values.schema.json', import.meta.url)
  const schema = JSON.parse(readFileSync(file, 'utf8'))
  if (process.env.UPDATE_GOLDEN) {
    schema.properties.settings.properties = settingsSchema()
    schema.properties.policy.properties.inline = policySchemaOfValues()
    writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`)
  }
  assert.deepEqual(schema.properties.settings.properties, settingsSchema())
  assert.deepEqual(schema.properties.policy.properties.inline, policySchemaOfValues())
})

test('A secret has a value of its own in the chart, because settings become a ConfigMap', () => {
  for (const name of Object.keys(settings) as SettingName[])
    if ('secret' in settings[name]) assert.ok(name in settingsWithOwnValue, name)
})
