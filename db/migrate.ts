/** `npm run migrate`: run by the operator, or by `npm start`, before servers and runners start. */
import { readSettings, SettingsError } from '../domain/settings.ts'
import { migrate } from './migrations.ts'

try {
  const settings = readSettings('migrate', process.env)
  const done = await migrate(settings.DATABASE_URL, (line) => console.error(line))
  console.log(done.length === 0 ? 'The database is up to date.' : `Migrated: ${done.join(', ')}.`)
} catch (error) {
  const words = error instanceof Error ? error.message || String(error) : String(error)
  console.error(error instanceof SettingsError ? words : `The database could not be migrated: ${words}`)
  process.exitCode = 1
}
