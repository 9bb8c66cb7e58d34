/** Redis cannot be used as it is set up, and no wait helps. The message names the setting and what to do. It stops the start. */
export class UnusableRedis extends Error {
  override name = 'UnusableRedis'
}
