/**
 * Runs podman as root, without a daemon and with a separate storage in the cache folder, because the base images
 * created here have official names and must not replace the real ones. Called by build.ts, base-images.ts and
 * test/images.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../dev/user-error.ts'

export type Podman = {
  cache: string
  /** → its output. @throws UserError with its last lines when it fails */
  run(args: readonly string[]): string
  /** For long commands: calls `print` for every line. @throws UserError with its last lines when it fails */
  runStreaming(args: readonly string[], print: (line: string) => void): Promise<void>
  has(image: string): boolean
  /** Arguments before every command, for callers that start podman themselves. */
  globalArguments: readonly string[]
}

const requiredPrograms = ['podman', 'runc', 'debootstrap']

/** The reason why images cannot be built on this machine; null if they can. */
export function unsupportedReason(): string | null {
  if (process.platform !== 'linux') return 'images can be built only on Linux'
  if (process.getuid?.() !== 0) return 'only root can build images (with Docker: see the Dockerfiles)'
  if (!hasSysAdminCapability())
    return 'root does not have the capability that containers need (CAP_SYS_ADMIN)'
  const missing = requiredPrograms.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  return missing.length === 0
    ? null
    : `missing: ${missing.join(', ')} (Debian: apt-get install ${missing.join(' ')})`
}

/** In a container, root often lacks this capability. */
function hasSysAdminCapability(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const sysAdmin = 1n << 21n
  return (BigInt(`0x${effective}`) & sysAdmin) !== 0n
}

/** @throws UserError with the reason why images cannot be built */
export function openPodman(): Podman {
  const reason = unsupportedReason()
  if (reason !== null) throw new UserError(`Images cannot be built: ${reason}.`)
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'octopod', 'images')
  mkdirSync(cache, { recursive: true })
  const globalArguments = [
    '--root',
    join(cache, 'storage'),
    '--runroot',
    join(cache, 'run'),
    '--runtime',
    'runc',
  ]
  const run = (args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync('podman', [...globalArguments, ...args], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    if (status === 0) return stdout.trim()
    throw podmanError(args, stderr.trim().split('\n').slice(-15))
  }
  return {
    cache,
    globalArguments,
    run,
    runStreaming: async (args, print) => {
      const child = spawn('podman', [...globalArguments, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      const lastLines: string[] = []
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          for (const line of text.split('\n').filter(Boolean)) {
            lastLines.push(line)
            if (lastLines.length > 30) lastLines.shift()
            print(line)
          }
        })
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
      if (code !== 0) throw podmanError(args, lastLines)
    },
    has: (image) => spawnSync('podman', [...globalArguments, 'image', 'exists', image]).status === 0,
  }
}

function podmanError(args: readonly string[], lastLines: string[]): UserError {
  return new UserError(
    [`podman ${args.slice(0, 2).join(' ')} failed:`, ...lastLines.map((line) => `  ${line}`)].join('\n'),
  )
}
