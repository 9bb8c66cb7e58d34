/**
 * PostgreSQL cannot be used as it is set up, and no wait helps. The message names the setting and what to do. It stops the
 * start of a program.
 */
export class UnusableDatabase extends Error {
  override name = 'UnusableDatabase'
  readonly #describe: (setting: string) => string

  /** `describe` gets the name of the setting with the address. */
  constructor(describe: (setting: string) => string, cause?: unknown) {
    super(describe('DATABASE_URL'), { cause })
    this.#describe = describe
  }

  describe(setting: string): string {
    return this.#describe(setting)
  }
}
