/**
 * Runs containers with the restrictions of the chart's pods: not root, a read-only root file system, no capabilities.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scriptNames } from '../../domain/script.ts'
import { type ImageName, images } from '../../infra/images/build.ts'
import type { Podman } from '../../infra/images/podman.ts'

export type Container = {
  id: string
  /** All its output. */
  logs(): string
  /** Runs a command in the container. → its exit code and output */
  exec(...command: string[]): { status: number | null; text: string }
  /** Sends TERM and waits. → the exit code */
  stop(): number
  remove(): void
}

const restrictions = [
  ...['--read-only', '--cap-drop=all', '--security-opt=no-new-privileges'],
  // PostgreSQL and Redis of the tests listen on loopback.
  '--network=host',
  ...['--ulimit=nofile=4096:4096', '--ulimit=nproc=4096:4096'],
]

type Options = { env?: Record<string, string>; mounts?: string[]; command?: string[] }

/** Runs a container until it exits. */
export function runOnce(podman: Podman, image: ImageName, { env = {}, mounts = [], command = [] }: Options) {
  const args = ['run', '--rm', ...restrictions, ...environment(env), ...mounts, images[image].tag, ...command]
  return call(podman, args)
}

export function startContainer(
  podman: Podman,
  image: ImageName,
  { env = {}, mounts = [], command = [] }: Options,
): Container {
  const args = [
    'run',
    '--detach',
    ...restrictions,
    ...environment(env),
    ...mounts,
    images[image].tag,
    ...command,
  ]
  const started = call(podman, args)
  if (started.status !== 0) throw new Error(started.text)
  const id = started.stdout.trim()
  return {
    id,
    logs: () => call(podman, ['logs', id]).text,
    exec: (...command) => call(podman, ['exec', id, ...command]),
    stop: () => {
      call(podman, ['stop', '--time', '60', id])
      return Number(call(podman, ['inspect', '--format', '{{.State.ExitCode}}', id]).stdout)
    },
    remove: () => {
      call(podman, ['rm', '--force', '--time', '0', id])
    },
  }
}

/** A folder that all users can write to, like an emptyDir. */
export function writableFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-test-'))
  chmodSync(folder, 0o777)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A folder of control scripts that print their user and their permissions. */
export function scriptFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-test-'))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'lib'))
  const file = join(folder, 'lib/any')
  writeFileSync(file, script, { mode: 0o755 })
  chmodSync(file, 0o755)
  for (const name of scriptNames) symlinkSync('lib/any', join(folder, name))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

const script = `#!/usr/bin/env bash
case \${0##*/} in
  create)
    echo "user $(id -u):$(id -g)"
    touch /octopod/x 2>/dev/null && echo 'the root is writable'
    echo kept > "$HOME/file" && cat "$HOME/file"
    grep -E '^(CapEff|NoNewPrivs)' /proc/self/status
    ( sleep 0.2 & )
    jq -n '{"jq": 1}' -c
    echo "environment: $(env | cut -d= -f1 | sort | tr '\\n' ' ')"
    ;;
  info) echo 'app,https://example.com' ;;
esac
`

function environment(env: Record<string, string>): string[] {
  return Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
}

function call(podman: Podman, args: string[]) {
  const { status, stdout, stderr } = spawnSync('podman', [...podman.globalArguments, ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, text: `${stdout}${stderr}` }
}
