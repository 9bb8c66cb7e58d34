/**
 * What this server knows of the pauses, for the websockets. Read from PostgreSQL every few seconds, so it needs no Redis and learns of
 * pauses that other servers begin and of those that end by themselves. Created by create-services.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Database } from '../../db/pool.ts'
import { readPauses } from '../../db/queries/pauses/pauses.ts'
import type { Pause } from '../../domain/pauses/pause.ts'

const intervalMs = 2000

export type KnownPauses = {
  /** Reads them at once; a failure keeps what is known. */
  readNow(): Promise<void>
  /** Reads them from now on, and calls `onChange` with the present ones and after each change. Returns what stops it. */
  watch(onChange: (pauses: readonly Pause[]) => void): () => void
}

export function createKnownPauses(db: Database): KnownPauses {
  let known: readonly Pause[] = []
  let notify: (pauses: readonly Pause[]) => void = () => {}
  let started = 0
  let applied = 0
  const readNow = async () => {
    const round = ++started
    // PostgreSQL is unreachable: the next round reads again.
    const pauses = await readPauses(db).catch(() => null)
    // A later read may have ended first.
    if (pauses === null || round < applied) return
    applied = round
    if (isDeepStrictEqual(pauses, known)) return
    known = pauses
    notify(known)
  }
  return {
    readNow,
    watch: (onChange) => {
      notify = onChange
      notify(known)
      let timer: NodeJS.Timeout | undefined
      let isStopped = false
      const round = async () => {
        await readNow()
        if (!isStopped) timer = setTimeout(round, intervalMs)
      }
      void round()
      return () => {
        isStopped = true
        clearTimeout(timer)
      }
    },
  }
}
