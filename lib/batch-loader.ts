/** One question for all who ask in the same turn of the event loop: a busy server then asks PostgreSQL less often, not later. */

type Batch<T> = Map<string, PromiseWithResolvers<T | undefined>>

/** `load` answers for many keys at once; a key it leaves out gets undefined. Its error is everybody's of that turn. */
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
      // After all that has arrived by now was read.
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
