/**
 * The whole flow on older versions of PostgreSQL: each of Debian's packages that is installed, and each folder with programs
 * that POSTGRES_BIN_DIRS names. All other tests run on the version that npm brings.
 */
import { suite, test } from 'node:test'
import { runMigrations } from '../../../db/run-migrations.ts'
import {
  installedPostgres,
  startInstalledPostgres,
  versionOf,
} from '../../db/configurations/installed-postgres.ts'
import { startSystem } from '../../helpers/system.ts'
import { runWholeFlow } from './whole-flow.ts'

const folders = installedPostgres()

suite('versions', { skip: folders.length === 0 && 'not installed: an older PostgreSQL' }, () => {
  for (const bin of folders)
    test(`Servers and runners work on ${versionOf(bin)}`, async () => {
      const { url, stop } = await startInstalledPostgres(bin)
      try {
        await runMigrations(url)
        const system = await startSystem({ env: { CHECK_INTERVAL: '1', DATABASE_URL: url } })
        try {
          await runWholeFlow(system)
        } finally {
          await system.stop()
        }
      } finally {
        await stop()
      }
    })
})
