/**
 * Under which account PostgreSQL runs. It refuses to run as root, so root lends it another one: whoever owns
 * the data already, else `postgres`, else `nobody`; no account is made.
 */
import { execFileSync } from 'node:child_process'
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../user-error.ts'

/** `through` is put before the command line; uid and gid are for spawn and for the files it must own. */
export type Account = { commandPrefix: readonly string[]; spawnAs: Ids | null; owner: Ids | null }
type Ids = { uid: number; gid: number }

/** `data` is the folder that will be its own; `binaries` the one it is started from. */
export function postgresAccount(data: string, binaries: string): Account {
  if (process.getuid?.() !== 0) return { commandPrefix: [], spawnAs: null, owner: null }
  const owner = nonRootOwner(data) ?? lookUpAccount('postgres') ?? lookUpAccount('nobody')
  if (owner === null) {
    throw new UserError(
      'PostgreSQL refuses to run as root, and this machine has neither an account "postgres" nor "nobody" to lend ' +
        'it: start as another user, or name a PostgreSQL of your own in DATABASE_URL.',
    )
  }
  const blockedFolder = [dirname(data), binaries]
    .map((path) => firstBlockedFolder(path, owner))
    .find((path) => path !== null)
  if (blockedFolder === undefined) return { commandPrefix: [], spawnAs: owner, owner }
  return { commandPrefix: setprivPrefix(owner, blockedFolder), spawnAs: null, owner }
}

/**
 * A clone below /root (mode 0700): the account keeps the one right to walk through closed folders. PostgreSQL
 * asks with access(2), which looks at that right only under the securebit.
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
      `PostgreSQL refuses to run as root, and the account lent to it cannot enter ${blockedFolder}: move the clone and ` +
        'OCTOPOD_HOME to where everybody may pass (chmod o+x), or name a PostgreSQL of your own in DATABASE_URL.',
    )
  }
}

/** The first folder on the way to `path` that the account may not pass; null when it may pass all. */
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
