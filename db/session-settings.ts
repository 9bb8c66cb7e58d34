/**
 * Settings of every database session, whatever the server, the database or the role has set (`alter role … set`).
 * Called by db/pool.ts and db/run-migrations.ts.
 */

const sessionSettings = {
  // How values become text and text becomes values, in PostgreSQL and in the driver.
  datestyle: 'ISO, MDY',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  // A statement after a lock must see what was committed while it waited.
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // The callers set their own time limits.
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  exit_on_error: 'off',
}
// Two stay as they are. search_path names the schema of the installation. default_transaction_read_only protects a disk
// that is almost full.

/** In milliseconds. */
export type SessionTimeouts = Partial<
  Record<'statement_timeout' | 'idle_in_transaction_session_timeout', number>
>

/**
 * A statement for the start of a session, which returns one row for each setting that it makes. Skips settings that an
 * older PostgreSQL does not have. With `processId` only the session of that process gets them.
 */
export const sessionSettingsStatement = (timeouts: SessionTimeouts = {}, processId?: number): string =>
  `select set_config(name, value, false) ${settingsTable(timeouts)}${
    processId === undefined ? '' : ` and pg_backend_pid() = ${processId}`
  }`

/** A statement that makes the settings until the end of the transaction. */
export const transactionSettingsStatement = (timeouts: SessionTimeouts): string =>
  `select count(set_config(name, value, true)) ${settingsTable(timeouts)}`

function settingsTable(timeouts: SessionTimeouts): string {
  const values = Object.entries({ ...sessionSettings, ...timeouts }).map(
    ([name, value]) => `('${name}', '${value}')`,
  )
  return `from (values ${values.join(', ')}) as settings (name, value) where current_setting(name, true) is not null`
}
