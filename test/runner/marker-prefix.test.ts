/** A runner marks its scripts with the identity of its database, so that other runners can end them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { QueryTimeout } from '../../db/errors.ts'
import type { Database } from '../../db/pool.ts'
import { readMarkerPrefix } from '../../runner/open-runner.ts'
import { createMarker, parseMarker } from '../../runner/process/script-marker.ts'
import { useTestDatabase } from '../db/fixtures.ts'

const db = useTestDatabase()
const project = { PROJECT_NAME: 'shop', BASE_DOMAIN: 'example.com', NAMESPACE: 'staging' }
const log = pino({ level: 'silent' })

/** The database, whose next queries fail with these errors. */
function failing(...errors: Error[]): Pick<Database, 'oneFirst'> {
  const oneFirst = async (...query: Parameters<Database['oneFirst']>) => {
    const error = errors.shift()
    if (error !== undefined) throw error
    return db.pool.oneFirst(...query)
  }
  return { oneFirst: oneFirst as Database['oneFirst'] }
}

test('A runner that starts while the database is busy has the same marker as others of its installation', async () => {
  const prefix = await readMarkerPrefix(project, failing(), log)
  assert.equal(parseMarker(createMarker(prefix))?.runner.pid, process.pid)
  const busy = failing(new QueryTimeout('no answer in 3000 ms'), new QueryTimeout('no answer in 3000 ms'))
  assert.equal(await readMarkerPrefix(project, busy, log), prefix)
})

test('A runner whose database does not tell its identity works without it', async () => {
  assert.equal(await readMarkerPrefix(project, failing(new Error('permission denied')), log), '')
})
