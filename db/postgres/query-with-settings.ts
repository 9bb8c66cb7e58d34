/**
 * One statement outside a transaction, with the settings for it, behind a pooler. Both are sent in one go; until the Sync
 * message at the end PostgreSQL runs them in one transaction, and the settings end with it. Called by driver.ts.
 */
import pg from 'pg'

type Callback = (error: Error | undefined, result: pg.QueryResult) => void
/** What pg's own class has besides its declared methods. Its version is pinned. */
type QueryInternals = {
  prepare(connection: PgConnection): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: PgConnection): void
}
type PgConnection = {
  parse(statement: { name: string; text: string; types: number[] }): void
  bind(portal: { portal: string; statement: string; values: unknown[] }): void
  execute(portal: { portal: string }): void
}
const Query = pg.Query as unknown as new (
  config: { text: string; values: unknown[]; queryMode: 'extended' },
  callback: Callback,
) => pg.Query & QueryInternals

export class QueryWithSettings extends Query {
  readonly #settings: string
  #areSettingsMade = false

  constructor(settings: string, query: { text: string; values: unknown[] }, callback: Callback) {
    super({ ...query, queryMode: 'extended' }, callback)
    this.#settings = settings
  }

  override prepare(connection: PgConnection): void {
    connection.parse({ name: '', text: this.#settings, types: [] })
    connection.bind({ portal: '', statement: '', values: [] })
    connection.execute({ portal: '' })
    super.prepare(connection)
  }

  override handleDataRow(message: unknown): void {
    if (this.#areSettingsMade) super.handleDataRow(message)
  }

  override handleCommandComplete(message: unknown, connection: PgConnection): void {
    if (this.#areSettingsMade) super.handleCommandComplete(message, connection)
    else this.#areSettingsMade = true
  }
}
