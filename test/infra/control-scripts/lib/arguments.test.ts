/** The config of a script: from its arguments, or from the file that OCTOPOD_CONFIG_FILE names. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { importModule } from '../control-scripts.ts'

type Request = { application: Map<string, string>; deployment: Map<string, string>; name?: string }
const { parseArguments } = await importModule<{
  parseArguments(argv: string[], requiredOptions: string[], configFile?: string): Request
}>('lib/arguments.mjs')
const { readChartSource } = await importModule<{ readChartSource(deployment: Map<string, string>): unknown }>(
  'helm/lib/defaults.mjs',
)

const folder = mkdtempSync(join(tmpdir(), 'octopod-arguments-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'config.json')

test('The config of the file is the same as that of arguments, in its order', () => {
  const application = [
    ['2', 'b=c'],
    ['1', '-x\n"'],
    ['__proto__', ''],
  ]
  writeFileSync(file, JSON.stringify({ application, deployment: [['region', 'eu']] }))
  const fromFile = parseArguments(['--name', 'x1'], ['name'], file)
  const args = application.flatMap(([key, value]) => ['--application-config', `${key}=${value}`])
  const fromArguments = parseArguments(
    ['--name', 'x1', ...args, '--deployment-config', 'region=eu'],
    ['name'],
  )
  assert.deepEqual([...fromFile.application], application)
  assert.deepEqual(fromFile, fromArguments)
})

test('A file that cannot be read is an error without its text', () => {
  const expected = (reason: string) =>
    new RegExp(
      `^Error: The config in \\S+config\\.json \\(OCTOPOD_CONFIG_FILE\\) cannot be read: ${reason}\\.$`,
    )
  rmSync(file, { force: true })
  assert.throws(() => parseArguments([], [], file), expected('ENOENT'))
  writeFileSync(file, '{"application": [["password", "TOPSECRET"')
  assert.throws(() => parseArguments([], [], file), expected('SyntaxError'))
  writeFileSync(file, '{"application": "TOPSECRET"}')
  assert.throws(() => parseArguments([], [], file), expected('TypeError'))
})

test('The address of a registry must not contain a password, because helm gets it as an argument', () => {
  process.env.DEFAULTS = '{"allowed_chart_repos":["*"]}'
  const deployment = new Map([
    ['chart_repo_url', 'oci://me:TOPSECRET@registry.example.com/charts'],
    ['chart_name', 'shop'],
  ])
  assert.throws(
    () => readChartSource(deployment),
    /^Error: chart_repo_url contains a password: set chart_repo_user and chart_repo_pass instead\.$/,
  )
})
