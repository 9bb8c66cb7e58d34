/**
 * Finds or installs redis-server: on the PATH, else Debian's package (as root), else compiled once by
 * `redis-memory-server`. No npm package contains the program itself. Called by redis.ts.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../user-error.ts'

/** The last version under the BSD license. BullMQ needs 6.2 or newer. */
const compiledVersion = '7.2.11'

export async function findOrInstallRedis(
  compileDir: string,
  log: (line: string) => void,
  print: (line: string) => void = () => {},
): Promise<string> {
  const compiledEarlier = join(compileDir, compiledVersion, 'redis-server')
  if (isRunnable('redis-server')) return 'redis-server'
  if (isRunnable(compiledEarlier)) return compiledEarlier
  print('This machine has no redis-server. It is installed or compiled now, once. This takes a while.')
  if (installFromDebian(log) && isRunnable('redis-server')) return 'redis-server'
  const compiled = await compileRedis(compileDir, log)
  if (compiled !== null && isRunnable(compiled)) return compiled
  throw new UserError(
    'This machine has no redis-server, and it can be neither installed nor compiled: install Redis ' +
      '(Debian: apt-get install redis-server; macOS: brew install redis), or set REDIS_URL.',
  )
}

function isRunnable(file: string): boolean {
  return spawnSync(file, ['--version'], { stdio: 'ignore' }).status === 0
}

function installFromDebian(log: (line: string) => void): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return false
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]) => {
    const { status, stdout, stderr, error } = spawnSync('apt-get', args, {
      env,
      encoding: 'utf8',
      timeout: 300_000,
    })
    log([`apt-get ${args.join(' ')}`, stdout, stderr, error?.message].filter(Boolean).join('\n'))
    return status === 0
  }
  const install = () => apt('install', '--yes', '--no-install-recommends', 'redis-server')
  return install() || (apt('update') && install())
}

async function compileRedis(downloadDir: string, log: (line: string) => void): Promise<string | null> {
  // Without this setting the package would not verify the server's certificate.
  process.env.npm_config_strict_ssl = 'true'
  try {
    const { default: module } = await import('redis-memory-server/lib/util/RedisBinary.js')
    return await module.default.getPath({ downloadDir, version: compiledVersion })
  } catch (error) {
    log(`compiling Redis: ${(error as Error).message}`)
    return null
  }
}
