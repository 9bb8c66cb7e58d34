/** octo as it is handed out: one executable without Node, and an npm package without dependencies. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { root } from '../../infra/octo/bundle.ts'
import { buildExecutable, hostPlatform, installHint, runtimeOf } from '../../infra/octo/executable.ts'
import { buildPackage } from '../../infra/octo/package.ts'
import manifest from '../../package.json' with { type: 'json' }
import { fakeServer } from '../octo/fake-server.ts'
import { fullInfo } from '../octo/wire.ts'

const folder = await mkdtemp(join(tmpdir(), 'octopod-test-octo-'))
after(() => rm(folder, { recursive: true, force: true }))

type Ran = { code: number; stdout: string; stderr: string }

function run(
  program: string,
  args: string[],
  environment: Record<string, string>,
  cwd = folder,
): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { env: environment, cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
      resolve({ code, stdout, stderr })
    })
  })
}

const noRuntime = runtimeOf(hostPlatform()) === null && `no runtime for ${hostPlatform()} was installed`

describe('the executable, where there is no Node', { skip: noRuntime }, () => {
  const program = join(folder, 'octo')
  const PATH = join(folder, 'nothing')
  const octo = (environment: Record<string, string>, ...args: string[]) =>
    run(program, args, { PATH, ...environment })

  before(async () => {
    await mkdir(PATH)
    await buildExecutable(program)
  })

  test('tells its version and its commands', async () => {
    assert.deepEqual(await octo({}, '--version'), { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
    const help = await octo({}, '--help')
    assert.equal(help.code, 0)
    assert.match(help.stdout, /^ {2}create +\S/m)
  })

  test('asks a server, with the credential', async (t) => {
    const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('feature-1')] } })
    const ran = await octo({ OCTOPOD_URL: fake.url, OCTO_AUTHORIZATION_HEADER: 'Secret abc' }, 'list')
    assert.deepEqual(ran, { code: 0, stdout: 'feature-1\n', stderr: '' })
    assert.equal(fake.asked[0]?.headers.authorization, 'Secret abc')
  })

  test('says what is wrong, without a stack', async () => {
    const ran = await octo({ OCTOPOD_URL: 'http://127.0.0.1:1' }, 'list')
    assert.notEqual(ran.code, 0)
    assert.match(ran.stderr, /^octo: cannot reach http:\/\/127\.0\.0\.1:1/)
    assert.doesNotMatch(ran.stderr, /\n {4}at /)
  })

  test('does not read the settings of the folder it is called in', async () => {
    await writeFile(join(folder, '.env'), 'OCTOPOD_URL=http://127.0.0.1:1\n')
    assert.match((await octo({}, 'list')).stderr, /OCTOPOD_URL is not set/)
  })

  test('leaves nothing beside it when it is built', async () => {
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('octo')),
      ['octo'],
    )
  })
})

test('another platform, whose runtime is not installed, is refused with the command that gets it', async () => {
  await assert.rejects(
    buildExecutable(join(folder, 'never'), 'plan9-mips'),
    /npm install .*@oven\/bun-plan9-mips@\d/,
  )
  assert.match(installHint('linux-aarch64'), /bun-linux-aarch64@\d+\.\d+\.\d+$/)
})

const { PATH = '' } = process.env
const npm = {
  PATH: `${dirname(process.execPath)}:${PATH}`,
  HOME: folder,
  npm_config_update_notifier: 'false',
}

test('the package is installed by npm without a network, and npx finds octo in it', async (t) => {
  await buildPackage(join(folder, 'package'))
  const packed = await run('npm', ['pack', './package'], npm)
  assert.equal(packed.code, 0, packed.stderr)
  const place = join(folder, 'user')
  await mkdir(place)
  const tarball = join(folder, packed.stdout.trim())
  const installed = await run('npm', ['install', '--offline', '--no-save', tarball], npm, place)
  assert.equal(installed.code, 0, installed.stderr)
  assert.deepEqual(
    (await readdir(join(place, 'node_modules'))).filter((name) => !name.startsWith('.')),
    ['octopod-octo'],
  )
  const ran = await run('npx', ['--offline', 'octo', '--version'], npm, place)
  assert.deepEqual(ran, { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  const fake = await fakeServer(t, { 'GET /api/v1/deployments': { body: [fullInfo('feature-1')] } })
  const asking = { ...npm, OCTOPOD_URL: fake.url }
  const listed = await run('npx', ['--offline', 'octo', 'list', '-o', 'yaml'], asking, place)
  assert.match(listed.stdout, /^- deployment:\n {4}name: feature-1\n/, listed.stderr)
})

test('the package of the whole repository has an octo that Node runs from inside node_modules', async () => {
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], npm, root)
  assert.equal(packed.code, 0, packed.stderr)
  const place = join(folder, 'whole/node_modules')
  await mkdir(place, { recursive: true })
  const tarball = join(folder, packed.stdout.trim().split('\n').at(-1) ?? '')
  assert.equal((await run('tar', ['-xzf', tarball, '-C', place], npm)).code, 0)
  await symlink(join(place, 'package', manifest.bin.octo), join(place, 'octo'))
  const ran = await run(join(place, 'octo'), ['--version'], npm, place)
  assert.deepEqual(ran, { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
})
