/**
 * Chooses the account for PostgreSQL, which refuses to run as root. Root starts it as the owner of the data, else as
 * `postgres`, else as `nobody`. No account is created. Called by postgres.ts.
 */
import { execFileSync } from 'node:child_process'
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../user-error.ts'

/** `commandPrefix` precedes the command line. `spawnAs` is for spawn, `owner` for the files of PostgreSQL. */
export type Account = { commandPrefix: readonly string[]; spawnAs: Ids | null; owner: Ids | null }
type Ids = { uid: number; gid: number }

/** `data`: the data folder. `binaries`: the folder of the programs. */
export function postgresAccount(data: string, binaries: string): Account {
  if (process.getuid?.() !== 0) return { commandPrefix: [], spawnAs: null, owner: null }
  const owner = nonRootOwner(data) ?? lookUpAccount('postgres') ?? lookUpAccount('nobody')
  if (owner === null) {
    throw new UserError(
      'PostgreSQL refuses to run as root, and this machine has neither an account "postgres" nor "nobody": ' +
        'start as another user, or set DATABASE_URL to your own PostgreSQL.',
    )
  }
  const blockedFolder = [dirname(data), binaries]
    .map((path) => firstBlockedFolder(path, owner))
    .find((path) => path !== null)
  if (blockedFolder === undefined) return { commandPrefix: [], spawnAs: owner, owner }
  return { commandPrefix: setprivPrefix(owner, blockedFolder), spawnAs: null, owner }
}

/**
 * For a clone below /root (mode 0700): the account keeps the capability to pass through closed folders. PostgreSQL
 * calls access(2), which honors the capability only with this securebit.
 */
function setprivPrefix(owner: Ids, blockedFolder: string): string[] {
  const command = [
    'setpriv',
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--securebits=+no_setuid_fixup',
    '--',
  ]
  try {
    execFileSync('setpriv', [...command.slice(1), 'true'], { stdio: 'ignore' })
    return command
  } catch {
    throw new UserError(
      `PostgreSQL refuses to run as root, and its account cannot enter ${blockedFolder}: move the clone and OCTOPOD_HOME ` +
        'to a folder that all users can enter (chmod o+x), or set DATABASE_URL to your own PostgreSQL.',
    )
  }
}

/** The topmost folder of `path` that the account cannot enter; null if it can enter all. */
function firstBlockedFolder(path: string, { uid, gid }: Ids): string | null {
  let folder = realpathSync(path)
  let blocked: string | null = null
  for (;;) {
    const stat = statSync(folder)
    const bit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001
    if ((stat.mode & bit) === 0) blocked = folder
    const above = dirname(folder)
    if (above === folder) return blocked
    folder = above
  }
}

function nonRootOwner(folder: string): Ids | null {
  try {
    const { uid, gid } = statSync(folder)
    return uid === 0 ? null : { uid, gid }
  } catch {
    return null
  }
}

function lookUpAccount(account: string): Ids | null {
  const id = (option: string) =>
    Number(execFileSync('id', [option, account], { encoding: 'utf8', stdio: 'pipe' }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
}
