/**
 * The whole flow on older versions of PostgreSQL: each of Debian's packages that is installed, and each folder with programs
 * that POSTGRES_BIN_DIRS names. All other tests run on the version that npm brings.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { runMigrations } from '../../../db/run-migrations.ts'
import { postgresAccount } from '../../../infra/dev/postgres/postgres-account.ts'
import { freePort, portError } from '../../../lib/node/ports.ts'
import { startProgram } from '../../../lib/node/start-program.ts'
import { startSystem } from '../../helpers/system.ts'
import { runWholeFlow } from './whole-flow.ts'

const debianFolder = '/usr/lib/postgresql'
const debian = existsSync(debianFolder)
  ? readdirSync(debianFolder).map((version) => join(debianFolder, version, 'bin'))
  : []
const named = (process.env.POSTGRES_BIN_DIRS ?? '').split(':').filter(Boolean)
const folders = [...debian, ...named].filter((folder) => existsSync(join(folder, 'initdb')))

suite('versions', { skip: folders.length === 0 && 'not installed: an older PostgreSQL' }, () => {
  for (const bin of folders) {
    const version = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).trim()
    test(`Servers and runners work on ${version}`, async () => {
      const dir = mkdtempSync(join(tmpdir(), 'octopod-postgres-'))
      chmodSync(dir, 0o711)
      const data = join(dir, 'data')
      const { spawnAs, owner } = postgresAccount(data, bin)
      mkdirSync(data, { mode: 0o700 })
      if (owner !== null) chownSync(data, owner.uid, owner.gid)
      const ids = spawnAs ?? {}
      execFileSync(
        join(bin, 'initdb'),
        ['-D', data, '-U', 'octopod', '-A', 'trust', '--no-sync', '--locale=C', '-E', 'UTF8'],
        {
          ...ids,
          cwd: '/',
          env: { LC_ALL: 'C', PATH: process.env.PATH },
          stdio: 'pipe',
        },
      )
      const port = await freePort()
      const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'].flatMap(
        (one) => ['-c', one],
      )
      const program = await startProgram({
        name: version,
        file: join(bin, 'postgres'),
        args: ['-D', data, '-p', String(port), ...settings],
        env: { LC_ALL: 'C', TZ: 'UTC' },
        cwd: '/',
        ...ids,
        stopSequence: [{ signal: 'SIGINT', waitMs: 10_000 }],
        onLine: () => {},
        readyText: 'ready to accept connections',
        isReady: async () => (await portError(port)) === 'EADDRINUSE',
      })
      try {
        const url = `postgres://octopod@127.0.0.1:${port}/postgres`
        await runMigrations(url)
        const system = await startSystem({ env: { CHECK_INTERVAL: '1', DATABASE_URL: url } })
        try {
          await runWholeFlow(system)
        } finally {
          await system.stop()
        }
      } finally {
        await program.stop()
        rmSync(dir, { recursive: true, force: true })
      }
    })
  }
})
