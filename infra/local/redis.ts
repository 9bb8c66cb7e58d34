/**
 * The embedded Redis: on 127.0.0.1, with a password that is kept, and never forgetting keys by itself.
 * `dataDir` holds `redis.conf`, `password` and Redis's own files.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { type Child, describeExit, startChild } from './child.ts'
import type { Engine } from './postgres.ts'
import { Problem } from './problem.ts'
import { redisBinary } from './redis-binary.ts'
import { keptSecret } from './secret.ts'
import { waitUntil } from './wait.ts'

type Options = {
  dataDir: string
  port: number
  log: (line: string) => void
  /** Told when the program has to be installed first, which takes a while. */
  say?: (line: string) => void
  /** Keeps nothing on disk: for tests. */
  fast?: boolean
  onSpawn?: (child: Child) => void
}

/** @throws Problem, one sentence, when it cannot run. */
export async function startRedis({
  port,
  log,
  say,
  fast = false,
  onSpawn,
  ...options
}: Options): Promise<Engine> {
  const dataDir = resolve(options.dataDir)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const binary = await redisBinary(join(dataDir, 'program'), log, say)
  const password = keptSecret(join(dataDir, 'password'))
  // In a file, not in argv: everybody on the machine can read argv.
  const config = join(dataDir, 'redis.conf')
  writeFileSync(config, configuration({ dataDir, port, password, fast }), { mode: 0o600 })

  const child = startChild({
    name: 'Redis',
    file: binary,
    args: [config],
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    goodbye: [{ signal: 'SIGTERM', waitMs: 10_000 }],
    log,
    onSpawn,
  })
  let ended = false
  child.exited.then(() => {
    ended = true
  })
  const ready = await waitUntil(() => answers(port, password), { timeoutMs: 60_000, stop: () => ended })
  if (!ready) {
    await child.stop()
    const line = child.lastLines().at(-1) ?? describeExit(await child.exited)
    throw new Problem(
      `Redis did not start on ${dataDir}: ${line.replace(/^\d+:\w .*? [#*.-] /, '')}. It holds nothing that is not in ` +
        'PostgreSQL too: if its files are broken, move the folder away and start again.',
    )
  }
  return { url: `redis://:${password}@127.0.0.1:${port}/0`, child, stop: child.stop }
}

function configuration(options: { dataDir: string; port: number; password: string; fast: boolean }): string {
  return `${[
    'bind 127.0.0.1',
    `port ${options.port}`,
    `requirepass ${options.password}`,
    `dir ${JSON.stringify(options.dataDir)}`,
    'daemonize no',
    // BullMQ keeps its jobs here: full memory must be an error, not a silent loss.
    'maxmemory-policy noeviction',
    `appendonly ${options.fast ? 'no' : 'yes'}`,
    'save ""',
    'databases 16',
  ].join('\n')}\n`
}

/** PONG to our password; while Redis loads its file it answers LOADING. */
function answers(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    const settle = () => {
      socket.destroy()
      resolve(text.includes('+PONG'))
    }
    socket.setTimeout(2_000, settle)
    socket.on('error', settle).on('close', settle)
    socket.on('data', (chunk) => {
      text += String(chunk)
      if (text.split('\r\n').length > 2) settle()
    })
    socket.end(`AUTH ${password}\r\nPING\r\n`)
  })
}
