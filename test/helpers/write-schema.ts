/** `npx node test/helpers/write-schema.ts`: writes db/schema.sql from a migrated database. */
import { writeFile } from 'node:fs/promises'
import { exitOnHelp } from '../../lib/node/help.ts'
import { createDatabase } from './datastores.ts'
import { dumpSchema } from './schema-dump.ts'
import { globalSetup, globalTeardown } from './setup.ts'

exitOnHelp(`npx node test/helpers/write-schema.ts

Applies all migrations and definitions to an empty database and writes its schema to db/schema.sql.`)

await globalSetup()
try {
  const database = await createDatabase()
  await writeFile(new URL('../../db/schema.sql', import.meta.url), await dumpSchema(database.url))
} finally {
  await globalTeardown()
}
