/** `npx node test/infra/chart/write-golden.ts`: writes the files of the chart that tests compare. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { exitOnHelp } from '../../../lib/node/help.ts'
import { goldenFile, renderGolden } from './golden.ts'
import { createHelm, findHelm } from './helm.ts'
import { policySchemaOfValues, schemaFile, settingsSchema } from './settings-schema.ts'

exitOnHelp(`npx node test/infra/chart/write-golden.ts

Writes the settings and the policy into infra/chart/values.schema.json and, when helm is on the PATH or among the tools of
the test cluster, the rendered manifests into test/infra/chart/golden. Read the difference before it is committed.`)

const schema = JSON.parse(readFileSync(schemaFile, 'utf8'))
schema.properties.settings.properties = settingsSchema()
schema.properties.policy.properties.inline = policySchemaOfValues()
writeFileSync(schemaFile, `${JSON.stringify(schema, null, 2)}\n`)
const biome = fileURLToPath(new URL('../../../node_modules/.bin/biome', import.meta.url))
spawnSync(biome, ['format', '--write', fileURLToPath(schemaFile)], { stdio: 'inherit' })

const program = findHelm()
if (program === null) console.log('The manifests are not written, because helm is not on the PATH.')
else
  for (const [name, text] of Object.entries(renderGolden(createHelm(program))))
    writeFileSync(goldenFile(name), text)
