/** The schema of the chart's values knows every setting. Needs no helm. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type SettingName, settings } from '../../../domain/settings.ts'
import { policySchemaOfValues, schemaFile, settingsSchema, settingsWithOwnValue } from './settings-schema.ts'

test('values.schema.json has every setting and no other name (npx node test/infra/chart/write-golden.ts writes them)', () => {
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8'))
  assert.deepEqual(schema.properties.settings.properties, settingsSchema())
  assert.deepEqual(schema.properties.policy.properties.inline, policySchemaOfValues())
})

test('A secret has a value of its own in the chart, because settings become a ConfigMap', () => {
  for (const name of Object.keys(settings) as SettingName[])
    if ('secret' in settings[name]) assert.ok(name in settingsWithOwnValue, name)
})
