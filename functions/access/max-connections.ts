/**
 * How many connections a server accepts at a time, by the limit of open files. One more is closed at once: without a limit it would
 * take the file that a request of another client needs. Called by server.ts.
 */
import type { Server } from 'node:http'
import type { Logger } from 'pino'
import { readOpenFilesLimit } from '../../lib/node/open-files.ts'

/** For Redis, the files of the page and what Node needs itself; the connections to PostgreSQL come on top. */
const reservedFiles = 70
/** Enough for these, the default pool and some clients. */
const minOpenFiles = 128
/** Fewer are worth a warning: each open page has a websocket. */
const fewConnections = 1000

/** `poolSize`: DATABASE_POOL_SIZE. Throws when the server could hardly work. */
export function requireOpenFiles(poolSize: number): void {
  const needed = Math.max(minOpenFiles, reservedFiles + 2 * poolSize)
  const limit = readOpenFilesLimit() ?? needed
  if (limit >= needed) return
  throw new Error(
    `The limit of open files is ${limit}, and the server needs ${needed}: raise it (ulimit -n).`,
  )
}

export function limitConnections(http: Server, log: Logger, poolSize: number): void {
  const limit = readOpenFilesLimit()
  if (limit === null) return
  http.maxConnections = limit - reservedFiles - poolSize
  if (http.maxConnections < fewConnections)
    log.warn(
      `the limit of open files lets ${http.maxConnections} clients connect at a time: raise it (ulimit -n)`,
    )
}
