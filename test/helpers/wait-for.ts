/** Waits for a condition that a cause will make true; fails with the value that was seen last. */
type PollResult<T> = { done: boolean; value: T; seen?: unknown }

export async function waitFor<T>(
  description: string,
  poll: () => Promise<PollResult<T>>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const { done, value, seen } = await poll()
    if (done) return value
    if (Date.now() > deadline) throw new Error(`timeout: ${description}; last seen: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
