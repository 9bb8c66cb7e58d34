/**
 * docs/moving.md: its values give the scripts of Octopod 1.6 everything that they need. The scripts are stand-ins with
 * the same needs (test/scripts/octopod-1-6).
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { scriptEnvironment } from '../../runner/scripts/script-environment.ts'
import { read, root } from '../architecture/repository.ts'

const home = mkdtempSync(join(tmpdir(), 'octopod-moving-'))
after(() => rmSync(home, { recursive: true, force: true }))

const [, block = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(read('docs/moving.md')) ?? []
const values = parse(block) as {
  settings: Record<string, string>
  controlScripts: { env: Record<string, string> }
}
/** The environment that the chart gives to the runner. */
const environment = {
  ...values.settings,
  ...values.controlScripts.env,
  SCRIPT_ENVIRONMENT: [values.settings.SCRIPT_ENVIRONMENT, ...Object.keys(values.controlScripts.env)].join(
    ',',
  ),
}

function lint(
  args: string[],
  changed: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const program = join(root, 'infra/control-scripts/lint/main.ts')
  const folder = join(root, 'test/scripts/octopod-1-6')
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    HOME: home,
    ...environment,
    ...changed,
  }
  return new Promise((resolve) => {
    execFile(process.execPath, [program, folder, ...args], { env }, (error, stdout, stderr) =>
      resolve({
        code: typeof error?.code === 'number' ? error.code : error ? -1 : 0,
        output: stdout + stderr,
      }),
    )
  })
}

test('The scripts of Octopod 1.6 walk a whole lifecycle with the values of docs/moving.md', async () => {
  const { code, output } = await lint(['--lifecycle', 'moved'])
  assert.equal(code, 0, output)
  assert.doesNotMatch(output, /exited with 101.*panicked at 'missing field/)
  for (const script of ['init', 'create', 'update', 'archive', 'unarchive', 'cleanup'])
    assert.match(output, new RegExp(`^${script} +ok `, 'm'))
})

const missing: [string, Record<string, string>, RegExp][] = [
  [
    'DEFAULTS without default_overrides',
    { DEFAULTS: '{"chart_name": "shop", "chart_repo_url": "https://x.example.com", "chart_version": "1"}' },
    /^deployment_config +error .*101[\s\S]*missing field `default_overrides`/m,
  ],
  ['no HELM_BIN', { HELM_BIN: '' }, /^deployment_config +error .*101.*MissingValue\("helm_bin"\)/m],
]
for (const [title, changed, message] of missing)
  test(`The scripts of Octopod 1.6 end with 101 with ${title}, and lint reports it`, async () => {
    const { code, output } = await lint([], changed)
    assert.equal(code, 1, output)
    assert.match(output, message)
  })

test('Cloud identities of the pod reach the scripts with the values of docs/moving.md', () => {
  const identity = { AWS_ROLE_ARN: 'arn:aws:iam::1:role/x', AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/token' }
  const seen = scriptEnvironment({ ...environment, ...identity }, environment.SCRIPT_ENVIRONMENT)
  assert.deepEqual({ ...seen, ...identity }, seen)
})
