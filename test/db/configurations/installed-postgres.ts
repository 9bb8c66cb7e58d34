/** A PostgreSQL of a version that is installed beside the one that npm brings, with its own tools. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresAccount } from '../../../infra/dev/postgres/postgres-account.ts'
import { freePort, portError } from '../../../lib/node/ports.ts'
import { startProgram } from '../../../lib/node/start-program.ts'

const debianFolder = '/usr/lib/postgresql'

/** The folders of programs: of each Debian package, and those that POSTGRES_BIN_DIRS names. */
export function installedPostgres(): string[] {
  const debian = existsSync(debianFolder)
    ? readdirSync(debianFolder).map((version) => join(debianFolder, version, 'bin'))
    : []
  const named = (process.env.POSTGRES_BIN_DIRS ?? '').split(':').filter(Boolean)
  return [...debian, ...named].filter((folder) => existsSync(join(folder, 'initdb')))
}

export const versionOf = (bin: string): string =>
  execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' }).trim()

/** `url`: the maintenance database, as superuser. */
export async function startInstalledPostgres(bin: string): Promise<{ url: string; stop(): Promise<void> }> {
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
    { ...ids, cwd: '/', env: { LC_ALL: 'C', PATH: process.env.PATH }, stdio: 'pipe' },
  )
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'].flatMap((one) => [
    '-c',
    one,
  ])
  const program = await startProgram({
    name: versionOf(bin),
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
  return {
    url: `postgres://octopod@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await program.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
