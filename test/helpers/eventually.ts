/** Waits for something that must become true; fails with what was seen last. Not for luck: for what has a cause. */

type Look<T> = { done: boolean; value: T; seen?: unknown }

export async function eventually<T>(
  what: string,
  look: () => Promise<Look<T>>,
  timeoutMs = 15_000,
): Promise<T> {
  const until = Date.now() + timeoutMs
  for (;;) {
    const { done, value, seen } = await look()
    if (done) return value
    if (Date.now() > until) throw new Error(`still not: ${what}; last seen: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
