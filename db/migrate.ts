/** `npm run migrate`: prepares the database before servers and runners start. Run by the operator or by `npm start`. */
import { readSettings, SettingsError } from '../domain/settings/read-settings.ts'
import { exitOnHelp } from '../lib/node/help.ts'
import { LockTimeout } from './lock-retries.ts'
import { runMigrations } from './run-migrations.ts'
import { UnsupportedDatabase } from './unsupported-database.ts'

exitOnHelp(`npm run migrate

Creates the database of DATABASE_URL or upgrades it, also one of Octopod 1.6. It is safe to repeat.`)

try {
  const settings = readSettings('migrate', process.env)
  const migrationNames = await runMigrations(settings.DATABASE_URL, { log: (line) => console.error(line) })
  console.log(
    migrationNames.length === 0 ? 'The database is up to date.' : `Migrated: ${migrationNames.join(', ')}.`,
  )
} catch (error) {
  const message = error instanceof Error ? error.message || String(error) : String(error)
  const isComplete =
    error instanceof SettingsError || error instanceof UnsupportedDatabase || error instanceof LockTimeout
  console.error(isComplete ? message : `The database could not be migrated: ${message}`)
  process.exitCode = 1
}
