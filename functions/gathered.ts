/** One question for all who ask in the same turn of the event loop: a busy server then asks PostgreSQL less often, not later. */

type Waiting<T> = Map<string, PromiseWithResolvers<T | undefined>>

/** `load` answers for many keys at once; a key it leaves out gets undefined. Its error is everybody's of that turn. */
export function gathered<T>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
): (key: string) => Promise<T | undefined> {
  let waiting: Waiting<T> | null = null

  const answer = async (asked: Waiting<T>) => {
    try {
      const found = await load([...asked.keys()])
      for (const [key, { resolve }] of asked) resolve(found.get(key))
    } catch (error) {
      for (const { reject } of asked.values()) reject(error)
    }
  }

  return (key) => {
    if (waiting === null) {
      const asked: Waiting<T> = new Map()
      waiting = asked
      // After all that has arrived by now was read.
      setImmediate(() => {
        waiting = null
        void answer(asked)
      })
    }
    const known = waiting.get(key) ?? Promise.withResolvers<T | undefined>()
    waiting.set(key, known)
    return known.promise
  }
}
