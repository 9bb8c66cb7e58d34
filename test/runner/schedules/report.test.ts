/** What a runner reports about its control scripts and the policy, also after they have changed. */
import assert from 'node:assert/strict'
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readReports } from '../../../db/redis/program-reports.ts'
import type { ProgramReport } from '../../../domain/doctor/program-report.ts'
import { startRunnerReports } from '../../../runner/schedules/report.ts'
import { useTestDatabase } from '../../db/fixtures.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { useTestRunner } from '../runner-context.ts'

const db = useTestDatabase()
const all = useTestRunner(db)
const configurable = fileURLToPath(new URL('../../scripts/configurable', import.meta.url))

test('A runner reports its work, scripts that are broken or changed, unknown keys, and a policy that it cannot read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-scripts-'))
  await cp(configurable, folder, { recursive: true, dereference: true })
  const { redis, runnerName } = all.context
  const settings = { ...all.context.settings, CONTROL_SCRIPTS_DIR: folder }
  const reports = startRunnerReports(all.contextWith({ settings }), () => 3)
  t.after(async () => {
    await reports.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const waitForReport = (what: string, isWanted: (report: ProgramReport) => boolean) =>
    waitFor(what, async () => {
      const [seen] = await readReports(redis, settings.REDIS_PREFIX)
      const done = seen !== undefined && isWanted(seen)
      if (!done) reports.runNow()
      return { done, value: seen as ProgramReport, seen }
    })

  const first = await waitForReport('the first report', () => true)
  assert.deepEqual(
    [first.name, first.kind, first.underWay, first.policy, first.scripts?.problems],
    [runnerName, 'runner', 3, { digest: null, problems: 0 }, []],
  )
  assert.equal(first.connections, settings.DATABASE_POOL_SIZE + 2)
  assert.ok(Math.abs(first.clockOffsetMs ?? 9999) < 2000)

  await writeFile(join(folder, 'octopod.yaml'), 'version: 1\nfast_start: true\n')
  const changed = await waitForReport(
    'unknown keys',
    ({ scripts }) => scripts?.unknownManifestKeys.length === 1,
  )
  assert.deepEqual(changed.scripts?.unknownManifestKeys, ['fast_start'])
  assert.notEqual(changed.scripts?.digest, first.scripts?.digest)

  await chmod(join(folder, 'create'), 0o644)
  const broken = await waitForReport('a broken script', ({ scripts }) => scripts?.problems.length === 1)
  assert.match(broken.scripts?.problems[0] ?? '', /the create script is not an executable file/)

  await withDatabase(db.url, (client) => client.query(`update installation set policy = 'version: 9'`))
  const unread = await waitForReport('an unreadable policy', ({ policy }) => policy.problems > 0)
  assert.match(unread.policy.digest ?? '', /^[0-9a-f]{64}$/)
})
