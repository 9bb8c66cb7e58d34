/** The rehearsal of the move from Octopod 1.6: what it reports about a copy of the database and a folder of scripts. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { scriptNames, scripts } from '../../domain/script.ts'
import { createEmptyDatabase } from '../helpers/datastores.ts'
import { withDatabase } from '../helpers/with-database.ts'

const program = join(import.meta.dirname, '../../infra/rehearsal/main.ts')
const oldDatabase = readFileSync(new URL('../db/octopod-1-6.sql', import.meta.url), 'utf8')

async function createOldDatabase(t: TestContext, change = ''): Promise<string> {
  const database = await createEmptyDatabase()
  t.after(() => database.drop())
  await withDatabase(database.url, async (client) => {
    await client.query(oldDatabase)
    if (change !== '') await client.query(change)
  })
  return database.url
}

/** Scripts that print and return nothing, except `bodies`. */
function scriptFolder(t: TestContext, bodies: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-rehearsal-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of scriptNames.filter((each) => !scripts[each].optional))
    writeFileSync(
      join(folder, name),
      `#!/bin/sh\necho ${name} >>'${folder}/calls'\n${bodies[name] ?? ''}\n`,
      { mode: 0o755 },
    )
  return folder
}

function rehearse(args: string[], environment: Record<string, string> = {}) {
  const env = { PATH: [dirname(process.execPath), process.env.PATH].join(':'), ...environment }
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    )
  })
}

test('The rehearsal reports deployments that would be cleaned up, stopped actions, and links and keys that are refused', async (t) => {
  const url = await createOldDatabase(
    t,
    `update deployments set links = '[{"name": "files", "link": "ftp://x"}]',
       app_overrides = '[["a b", {"tag": "ValueAdded", "contents": "x"}]]' where name = 'generic'`,
  )
  const { code, stdout } = await rehearse(['--database', url])
  assert.equal(code, 1, stdout)
  assert.match(stdout, /^archived: it would be cleaned up with its data soon after the start/m)
  assert.match(stdout, /^creating: its action \(CreatePending\) does not run on/m)
  assert.match(stdout, /^generic: the link files is not http or https and is left out$/m)
  assert.match(stdout, /^generic: an update would be refused: .*"?a b/m)
  assert.doesNotMatch(stdout, /cannot be migrated|is missing after|^running: /m)
  assert.match(stdout, /\n10 deployments, \d+ differences\.\n$/)
})

test('The rehearsal runs scripts that change nothing, and reports what differs without the whole environment', async (t) => {
  const url = await createOldDatabase(
    t,
    "delete from deployment_logs; delete from deployments where name <> 'running'",
  )
  const folder = scriptFolder(t, {
    application_config: 'echo image.tag,v0',
    info: '[ -n "$AWS_REGION" ] || { echo "no region" >&2; exit 101; }; echo app,https://new.example.com',
    check: 'case "$*" in *image.tag=v1*) exit 0 ;; *) exit 1 ;; esac',
  })
  const args = ['--database', url, '--scripts', folder]
  const { code, stdout } = await rehearse(args, { AWS_REGION: 'eu-1' })
  assert.equal(code, 1)
  assert.match(
    stdout,
    /^running: info: exit code 0 with the whole environment, but exit code 101 with the variables .*SCRIPT_ENVIRONMENT.* no region$/m,
  )
  const calls = new Set(readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n'))
  for (const name of ['create', 'update', 'archive', 'unarchive', 'cleanup', 'init'])
    assert.ok(!calls.has(name), name)
  assert.ok(calls.has('check') && calls.has('config_check'))

  // The copy is migrated now, so a second rehearsal needs a new one.
  const again = await rehearse(args)
  assert.equal(again.code, 2)
  assert.match(again.stderr, /^This is not a database of Octopod 1\.6: /)
})

test('With the right SCRIPT_ENVIRONMENT only the links of the next action differ', async (t) => {
  const url = await createOldDatabase(
    t,
    "delete from deployment_logs; delete from deployments where name <> 'running'",
  )
  const folder = scriptFolder(t, {
    info: '[ -n "$AWS_REGION" ] || exit 101; echo app,https://new.example.com',
  })
  const { code, stdout } = await rehearse(['--database', url, '--scripts', folder], {
    AWS_REGION: 'eu-1',
    SCRIPT_ENVIRONMENT: 'AWS_*',
  })
  assert.equal(code, 1)
  assert.equal(stdout.trim().split('\n').length, 3, stdout)
  assert.match(
    stdout,
    /^running: the next action changes its links from ".*" to "app https:\/\/new\.example\.com"\.$/m,
  )
})

test('The rehearsal refuses a database that other programs use', async (t) => {
  const url = await createOldDatabase(t)
  await withDatabase(url, async () => {
    const { code, stderr } = await rehearse(['--database', url])
    assert.equal(code, 2)
    assert.match(stderr, /^Other programs are connected to this database\./)
  })
  assert.equal((await rehearse([])).code, 2)
})
