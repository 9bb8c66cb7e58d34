/**
 * Callers that ask for the same at the same time share one run, which ends early when the last of them has gone. The
 * server runs equal script queries once.
 */

export type SharedTasks<T> = {
  /**
   * Rejects when `signal` aborts, with its reason. The signal of `work` aborts when no caller is left, also after the
   * end.
   */
  run(key: string, signal: AbortSignal | undefined, work: (abandoned: AbortSignal) => Promise<T>): Promise<T>
}

type Task<T> = { result: Promise<T>; callers: number; abandoned: AbortController }

export function createSharedTasks<T>(): SharedTasks<T> {
  const tasks = new Map<string, Task<T>>()

  const start = (key: string, work: (abandoned: AbortSignal) => Promise<T>): Task<T> => {
    const abandoned = new AbortController()
    const task = { result: work(abandoned.signal), callers: 0, abandoned }
    const forget = () => {
      if (tasks.get(key) === task) tasks.delete(key)
    }
    task.result.then(forget, forget)
    abandoned.signal.addEventListener('abort', forget)
    tasks.set(key, task)
    return task
  }

  return {
    async run(key, signal, work) {
      signal?.throwIfAborted()
      const task = tasks.get(key) ?? start(key, work)
      task.callers += 1
      const { promise: left, reject } = Promise.withResolvers<never>()
      const onAbort = () => reject(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        return await Promise.race([task.result, left])
      } finally {
        signal?.removeEventListener('abort', onAbort)
        task.callers -= 1
        if (task.callers === 0) task.abandoned.abort()
      }
    },
  }
}
