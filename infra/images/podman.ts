/**
 * Podman as builder and runner of images, as root, without a daemon and with a storage of its own in the cache: the
 * stand-ins for base images in there carry official names and must not meet the real ones.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../dev/user-error.ts'

export type Podman = {
  cache: string
  /** What it printed. @throws Problem with its last words when it fails. */
  run(args: readonly string[]): string
  /** The same for what takes long: every line is told. */
  runStreaming(args: readonly string[], print: (line: string) => void): Promise<void>
  has(image: string): boolean
  /** Arguments before every command, for who must start it himself. */
  globalArguments: readonly string[]
}

const requiredPrograms = ['podman', 'runc', 'debootstrap']

/** Why images cannot be built here; null when they can. */
export function unsupportedReason(): string | null {
  if (process.platform !== 'linux') return 'images are built on Linux'
  if (process.getuid?.() !== 0) return 'images are built here by root only (with Docker: see the Dockerfiles)'
  if (!hasSysAdminCapability()) return 'containers need rights that root does not have here (CAP_SYS_ADMIN)'
  const missing = requiredPrograms.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  return missing.length === 0
    ? null
    : `missing: ${missing.join(', ')} (Debian: apt-get install ${missing.join(' ')})`
}

/** Root of a container is often root by name only. */
function hasSysAdminCapability(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const sysAdmin = 1n << 21n
  return (BigInt(`0x${effective}`) & sysAdmin) !== 0n
}

/** @throws Problem with the obstacle. */
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
      const last: string[] = []
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          for (const line of text.split('\n').filter(Boolean)) {
            last.push(line)
            if (last.length > 30) last.shift()
            print(line)
          }
        })
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
      if (code !== 0) throw podmanError(args, last)
    },
    has: (image) => spawnSync('podman', [...globalArguments, 'image', 'exists', image]).status === 0,
  }
}

function podmanError(args: readonly string[], lastLines: string[]): UserError {
  return new UserError(
    [`podman ${args.slice(0, 2).join(' ')} failed:`, ...lastLines.map((line) => `  ${line}`)].join('\n'),
  )
}
