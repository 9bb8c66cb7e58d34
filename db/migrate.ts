/** `npm run migrate`: prepares the database before servers and runners start. Run by the operator or by `npm start`. */
import { readSettings, SettingsError } from '../domain/settings/read-settings.ts'
import { exitOnHelp } from '../lib/node/help.ts'
import { LockTimeout } from './lock-retries.ts'
import { UnusableDatabase } from './postgres/unusable-database.ts'
import { runMigrations } from './run-migrations.ts'
import { UnsupportedDatabase } from './unsupported-database.ts'

exitOnHelp(`npm run migrate

Creates the tables in the database of MIGRATION_DATABASE_URL or DATABASE_URL, or upgrades them, also those of Octopod
1.6. It is safe to repeat.`)

try {
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL } = readSettings('migrate', process.env)
  const migrationNames = await runMigrations(MIGRATION_DATABASE_URL, { log: (line) => console.error(line) })
  console.log(
    migrationNames.length === 0 ? 'The database is up to date.' : `Migrated: ${migrationNames.join(', ')}.`,
  )
} catch (error) {
  const message =
    error instanceof UnusableDatabase
      ? error.describe(process.env.MIGRATION_DATABASE_URL ? 'MIGRATION_DATABASE_URL' : 'DATABASE_URL')
      : error instanceof Error
        ? error.message || String(error)
        : String(error)
  const isComplete =
    error instanceof SettingsError ||
    error instanceof UnusableDatabase ||
    error instanceof UnsupportedDatabase ||
    error instanceof LockTimeout
  console.error(isComplete ? message : `The database could not be migrated: ${message}`)
  process.exitCode = 1
}
