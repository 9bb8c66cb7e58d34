/** The builds of octo: one executable without Node, and an npm package without dependencies. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { buildExecutable, findRuntime, hostPlatform, installHint } from '../../../octo/build/executable.ts'
import { buildPackage } from '../../../octo/build/package.ts'
import manifest from '../../../package.json' with { type: 'json' }
import { fakeServer } from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

const folder = await mkdtemp(join(tmpdir(), 'octopod-test-octo-'))
after(() => rm(folder, { recursive: true, force: true }))

type CommandResult = { code: number; stdout: string; stderr: string }

function runProgram(
  program: string,
  args: string[],
  environment: Record<string, string>,
  cwd = folder,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(program, args, { env: environment, cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
      resolve({ code, stdout, stderr })
    })
  })
}

const skipReason = findRuntime(hostPlatform()) === null && `no runtime for ${hostPlatform()} was installed`

describe('the executable on a machine without Node', { skip: skipReason }, () => {
  const program = join(folder, 'octo')
  const PATH = join(folder, 'nothing')
  const octo = (environment: Record<string, string>, ...args: string[]) =>
    runProgram(program, args, { PATH, ...environment })

  before(async () => {
    await mkdir(PATH)
    await buildExecutable(program)
  })

  test('The executable prints its version and its commands', async () => {
    assert.deepEqual(await octo({}, '--version'), { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
    const help = await octo({}, '--help')
    assert.equal(help.code, 0)
    assert.match(help.stdout, /^ {2}create +\S/m)
  })

  test('The executable sends requests with the credential', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('feature-1')] } })
    const result = await octo({ OCTOPOD_URL: fake.url, OCTO_AUTHORIZATION_HEADER: 'Secret abc' }, 'list')
    assert.deepEqual(result, { code: 0, stdout: 'feature-1\n', stderr: '' })
    assert.equal(fake.requests[0]?.headers.authorization, 'Secret abc')
  })

  test('An error message has no stack', async () => {
    const result = await octo({ OCTOPOD_URL: 'http://127.0.0.1:1' }, 'list')
    assert.notEqual(result.code, 0)
    assert.match(result.stderr, /^octo: cannot reach http:\/\/127\.0\.0\.1:1/)
    assert.doesNotMatch(result.stderr, /\n {4}at /)
  })

  test('The executable ignores .env in the current folder', async () => {
    await writeFile(join(folder, '.env'), 'OCTOPOD_URL=http://127.0.0.1:1\n')
    assert.match((await octo({}, 'list')).stderr, /OCTOPOD_URL is not set/)
  })

  test('The build leaves no other files behind', async () => {
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('octo')),
      ['octo'],
    )
  })
})

test('For a platform without an installed runtime the error names the command that installs it', async () => {
  await assert.rejects(
    buildExecutable(join(folder, 'never'), 'plan9-mips'),
    /npm install .*@oven\/bun-plan9-mips@\d/,
  )
  assert.match(installHint('linux-aarch64'), /bun-linux-aarch64@\d+\.\d+\.\d+$/)
})

const { PATH = '' } = process.env
const npmEnvironment = {
  PATH: `${dirname(process.execPath)}:${PATH}`,
  HOME: folder,
  npm_config_update_notifier: 'false',
}

test('npm installs the package without a network, and npx runs octo', async (t) => {
  await buildPackage(join(folder, 'package'))
  const packResult = await runProgram('npm', ['pack', './package'], npmEnvironment)
  assert.equal(packResult.code, 0, packResult.stderr)
  const installFolder = join(folder, 'user')
  await mkdir(installFolder)
  const tarball = join(folder, packResult.stdout.trim())
  const installResult = await runProgram(
    'npm',
    ['install', '--offline', '--no-save', tarball],
    npmEnvironment,
    installFolder,
  )
  assert.equal(installResult.code, 0, installResult.stderr)
  assert.deepEqual(
    (await readdir(join(installFolder, 'node_modules'))).filter((name) => !name.startsWith('.')),
    ['octopod-octo'],
  )
  const result = await runProgram('npx', ['--offline', 'octo', '--version'], npmEnvironment, installFolder)
  assert.deepEqual(result, { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('feature-1')] } })
  const environment = { ...npmEnvironment, OCTOPOD_URL: fake.url }
  const listed = await runProgram(
    'npx',
    ['--offline', 'octo', 'list', '-o', 'yaml'],
    environment,
    installFolder,
  )
  assert.match(listed.stdout, /^- deployment:\n {4}name: feature-1\n/, listed.stderr)
})
