/**
 * Tells whoever watches the process that it lives: touches a file as long as its event loop turns. A runner answers no
 * request, so this is what its probes look at (alive.sh). Started by main once it is ready.
 */
import { rm, writeFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { type Loop, repeat } from './loop.ts'

const everyMs = 5000

/** Beats until stopped; then the file is gone. Without a `file` nobody watches. */
export function heartbeat(log: Logger, file: string | undefined): Loop {
  if (file === undefined) return { nudge: () => {}, stop: async () => {} }
  const loop = repeat(log, 'heartbeat', everyMs, () => writeFile(file, `${process.pid}\n`))
  return {
    nudge: loop.nudge,
    stop: async () => {
      await loop.stop()
      await rm(file, { force: true })
    },
  }
}
