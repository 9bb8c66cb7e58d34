/**
 * Podman as builder and runner of images, as root, without a daemon and with a storage of its own in the cache: the
 * stand-ins for base images in there carry official names and must not meet the real ones.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Problem } from '../local/problem.ts'

export type Podman = {
  cache: string
  /** What it printed. @throws Problem with its last words when it fails. */
  run(args: readonly string[]): string
  /** The same for what takes long: every line is told. */
  follow(args: readonly string[], say: (line: string) => void): Promise<void>
  has(image: string): boolean
  /** Arguments before every command, for who must start it himself. */
  place: readonly string[]
}

const needed = ['podman', 'runc', 'debootstrap']

/** Why images cannot be built here; null when they can. */
export function obstacle(): string | null {
  if (process.platform !== 'linux') return 'images are built on Linux'
  if (process.getuid?.() !== 0) return 'images are built here by root only (with Docker: see the Dockerfiles)'
  if (!mayMount()) return 'containers need rights that root does not have here (CAP_SYS_ADMIN)'
  const missing = needed.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  return missing.length === 0
    ? null
    : `missing: ${missing.join(', ')} (Debian: apt-get install ${missing.join(' ')})`
}

/** Root of a container is often root by name only. */
function mayMount(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  const sysAdmin = 1n << 21n
  return (BigInt(`0x${effective}`) & sysAdmin) !== 0n
}

/** @throws Problem with the obstacle. */
export function openPodman(): Podman {
  const reason = obstacle()
  if (reason !== null) throw new Problem(`Images cannot be built: ${reason}.`)
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'octopod', 'images')
  mkdirSync(cache, { recursive: true })
  const place = ['--root', join(cache, 'storage'), '--runroot', join(cache, 'run'), '--runtime', 'runc']
  const run = (args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync('podman', [...place, ...args], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    if (status === 0) return stdout.trim()
    throw failed(args, stderr.trim().split('\n').slice(-15))
  }
  return {
    cache,
    place,
    run,
    follow: async (args, say) => {
      const child = spawn('podman', [...place, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
      const last: string[] = []
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          for (const line of text.split('\n').filter(Boolean)) {
            last.push(line)
            if (last.length > 30) last.shift()
            say(line)
          }
        })
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
      if (code !== 0) throw failed(args, last)
    },
    has: (image) => spawnSync('podman', [...place, 'image', 'exists', image]).status === 0,
  }
}

function failed(args: readonly string[], words: string[]): Problem {
  return new Problem(
    [`podman ${args.slice(0, 2).join(' ')} failed:`, ...words.map((line) => `  ${line}`)].join('\n'),
  )
}
