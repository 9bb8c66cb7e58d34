/**
 * Combines all calls of one turn of the event loop into one load, so that a busy server queries PostgreSQL less often.
 * The server uses it to read deployments.
 */

type Batch<T> = Map<string, PromiseWithResolvers<T | undefined>>

/**
 * `load` returns the values of many keys; a missing key gets undefined. An error of `load` rejects all calls of the
 * turn.
 */
export function createBatchLoader<T>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | undefined> {
  let currentBatch: Batch<T> | null = null

  const loadBatch = async (batch: Batch<T>) => {
    try {
      const found = await load([...batch.keys()])
      for (const [key, { resolve }] of batch) resolve(found.get(key))
    } catch (error) {
      for (const { reject } of batch.values()) reject(error)
    }
  }

  return (key) => {
    if (currentBatch === null) {
      const batch: Batch<T> = new Map()
      currentBatch = batch
      // Runs after all requests that have already arrived are read.
      setImmediate(() => {
        currentBatch = null
        void loadBatch(batch)
      })
    }
    const pending = currentBatch.get(key) ?? Promise.withResolvers<T | undefined>()
    currentBatch.set(key, pending)
    return pending.promise
  }
}
