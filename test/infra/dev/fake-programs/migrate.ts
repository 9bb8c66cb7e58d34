/** A fake db/migrate.ts. It fails if MIGRATE_FAILS is set. */
if (process.env.MIGRATE_FAILS) {
  console.log(JSON.stringify({ level: 60, msg: 'migration 7 failed', err: { message: 'no such table' } }))
  process.exitCode = 3
}
