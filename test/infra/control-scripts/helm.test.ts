/** Where the Helm scripts get charts from, with a real helm: private repositories and registries, what is kept, what is never seen. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ConfigScript, configArguments, type ScriptName, scriptNames } from '../../../domain/script.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import {
  packChart,
  password,
  type ServedRepository,
  serveRegistry,
  serveRepository,
  user,
} from './chart-repositories.ts'
import { controlScriptsDir, findHelm, helmIsMissing } from './control-scripts.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-helm-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const project = { projectName: 'Tests', baseDomain: 'example.org', namespace: 'staging' }

type Result = { code: number; stdout: string; stderr: string }
type Environment = Record<string, string>
let count = 0

/** A helm that writes down what it was called with, and a cache of its own for each test. */
function createHelmEnvironment(environment: Environment = {}) {
  count += 1
  const cache = join(folder, `cache-${count}`)
  const log = join(folder, `calls-${count}`)
  const bin = join(folder, `helm-${count}`)
  writeFileSync(bin, `#!/bin/sh\necho "$* HELM_PASS=$HELM_PASS" >> '${log}'\nexec '${findHelm()}' "$@"\n`, {
    mode: 0o755,
  })
  const env: Environment = {
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    HOME: folder,
    OCTOPOD_SCRIPTS_CACHE: cache,
    HELM_BIN: bin,
    KUBECTL_BIN: 'true',
    ...environment,
  }
  const run = (script: ScriptName, args: string[]): Promise<Result> =>
    new Promise((resolve) => {
      execFile(join(controlScriptsDir, 'helm', script), args, { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      )
    })
  return {
    env,
    cache,
    run,
    ask: (script: ConfigScript, deployment: Environment = {}) =>
      run(script, configArguments(script, project, Object.entries(deployment))),
    calls: () => (filesBelow(folder).includes(log) ? readFileSync(log, 'utf8') : ''),
  }
}

const filesBelow = (path: string) =>
  (existsSync(path) ? readdirSync(path, { recursive: true, withFileTypes: true }) : [])
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))

const keys = [
  'annotations.example\\.org/team',
  'deep.er.and.deeper',
  'hosts[0].name',
  'hosts[0].paths[0]',
  'image.repository',
  'image.tag',
  'list',
  'none',
  'replicas',
  'resources',
  'version',
]

describe('charts from elsewhere', { skip: helmIsMissing, concurrency: 3 }, () => {
  let repository: ServedRepository
  let registry: ServedRepository
  let open: ServedRepository
  const charts = join(folder, 'charts')
  const chart = (more: Environment = {}) => ({
    chart_repo_url: repository.url,
    chart_name: 'shows',
    chart_version: '1.0.0',
    ...more,
  })

  before(async () => {
    const archive = packChart(charts, '1.0.0')
    repository = await serveRepository(charts)
    registry = await serveRegistry(archive, '1.0.0')
    open = await serveRepository(charts, true)
  })
  after(() => Promise.all([repository, registry, open].map((each) => each?.stop())))

  test('the keys of a chart, to full depth, from a private repository; its password is in no argument, output or file', async () => {
    const { ask, calls, cache } = createHelmEnvironment({ HELM_USER: user, HELM_PASS: password })
    const result = await ask('application_config_keys', chart())
    assert.deepEqual(result, { code: 0, stdout: `${keys.join('\n')}\n`, stderr: '' })
    assert.match(calls(), /^repo update r HELM_PASS=$/m)
    assert.ok(!calls().includes(password))
    for (const file of filesBelow(cache)) assert.ok(!readFileSync(file, 'utf8').includes(password), file)

    const before = calls()
    assert.equal((await ask('application_config_keys', chart())).code, 0)
    assert.equal(calls(), before, 'the second call needs no helm at all')
  })

  test('what was got with credentials is not given to somebody without', async () => {
    const { ask } = createHelmEnvironment()
    const own = chart({ chart_repo_user: user, chart_repo_pass: password })
    assert.equal((await ask('application_config_keys', own)).code, 0)
    for (const other of [chart(), chart({ chart_repo_user: user, chart_repo_pass: 'guessed it' })]) {
      const result = await ask('application_config_keys', other)
      assert.equal(result.code, 1)
      assert.match(result.stderr, /^The chart shows 1\.0\.0 could not be had from http:\/\/\S+: .*401.*\n$/)
      assert.ok(!result.stderr.includes('guessed it'))
    }
  })

  test('HELM_PASS goes to the host of the default repository and to no other that somebody names', async () => {
    const DEFAULTS = JSON.stringify({ chart_repo_url: `${repository.url}/` })
    const { ask } = createHelmEnvironment({ HELM_USER: user, HELM_PASS: password, DEFAULTS })
    assert.equal((await ask('application_config_keys', chart())).code, 0)
    assert.equal((await ask('application_config_keys', chart({ chart_repo_url: open.url }))).code, 0)
    assert.deepEqual(
      open.requests.filter((each) => each.endsWith('with credentials')),
      [],
    )
  })

  test('a version that came out after the index was read is found', async () => {
    const { ask } = createHelmEnvironment({ HELM_USER: user, HELM_PASS: password })
    assert.equal((await ask('application_config_keys', chart())).code, 0)
    packChart(charts, '1.1.0')
    assert.equal((await ask('application_config_keys', chart({ chart_version: '1.1.0' }))).code, 0)
    const missing = await ask('application_config_keys', chart({ chart_version: '9.9.9' }))
    assert.match(
      missing.stderr,
      /^The chart shows 9\.9\.9 could not be had from http:\/\/\S+: .*not found.*\n$/,
    )
  })

  test('a repository that is away does not take along what is here; what is not is told in a sentence', async () => {
    const unreachable = await serveRepository(charts, true)
    const { ask, cache } = createHelmEnvironment()
    const own = chart({ chart_repo_url: unreachable.url, chart_version: '' })
    assert.equal((await ask('application_config_keys', own)).code, 0)
    await unreachable.stop()
    // Without a version it is looked for again after five minutes.
    const old = new Date(Date.now() - 10 * 60_000)
    for (const file of filesBelow(cache).filter((path) => /\.tgz$|index\.yaml$/.test(path)))
      utimesSync(file, old, old)
    assert.equal((await ask('application_config_keys', own)).code, 0)
    const other = await ask('application_config_keys', { ...own, chart_name: 'other' })
    assert.equal(other.code, 1)
    assert.match(other.stderr, /^The chart other could not be had from http:\/\/\S+: .+\n$/)
  })

  test('HELM_ON_INIT_ONLY: init reads the index, and nobody else asks for it', async () => {
    const DEFAULTS = JSON.stringify({ ...chart(), default_overrides: [] })
    const { ask, run, calls } = createHelmEnvironment({
      HELM_USER: user,
      HELM_PASS: password,
      DEFAULTS,
      HELM_ON_INIT_ONLY: 'true',
    })
    const early = await ask('application_config_keys', chart())
    assert.match(
      early.stderr,
      /^The repository http:\/\/\S+ was not added by init, and HELM_ON_INIT_ONLY allows nobody else to\.\n$/,
    )
    assert.equal((await run('init', [])).code, 0)
    assert.equal((await ask('application_config_keys', chart())).code, 0)
    assert.equal(calls().match(/repo update/g)?.length, 1)
  })

  test('an OCI registry: the chart with credentials, a sentence without', async () => {
    const { ask, calls } = createHelmEnvironment({ HELM_PLAIN_HTTP: 'true' })
    const oci = chart({ chart_repo_url: `oci://${registry.host}/charts` })
    const result = await ask('application_config_keys', {
      ...oci,
      chart_repo_user: user,
      chart_repo_pass: password,
    })
    assert.deepEqual(result, { code: 0, stdout: `${keys.join('\n')}\n`, stderr: '' })
    assert.ok(!calls().includes(password))
    const refused = await ask('application_config_keys', oci)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /^The chart shows 1\.0\.0 could not be had from oci:\/\/\S+: .+\n$/)
  })

  test('many scripts at once bring a chart once', async () => {
    const { ask, calls } = createHelmEnvironment({ HELM_USER: user, HELM_PASS: password })
    const all = await Promise.all(Array.from({ length: 8 }, () => ask('application_config_keys', chart())))
    assert.deepEqual(new Set(all.map(({ code }) => code)), new Set([0]))
    for (const what of [/^repo update/gm, /^pull/gm, /^show values/gm])
      assert.equal(calls().match(what)?.length, 1, String(what))
  })

  test('a script that is ended leaves no credentials behind', async () => {
    const slow = createHelmEnvironment({ HELM_USER: user, HELM_PASS: password })
    writeFileSync(slow.env.HELM_BIN ?? '', '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 })
    const args = configArguments('application_config_keys', project, Object.entries(chart()))
    const child = spawn(join(controlScriptsDir, 'helm/application_config_keys'), args, {
      env: slow.env,
      detached: true,
      stdio: 'ignore',
    })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    const secrets = () => filesBelow(slow.cache).filter((file) => readFileSync(file, 'utf8').includes(user))
    await waitFor('helm is at work', async () => ({ done: secrets().length > 0, value: null }))
    // As the runner does it: the whole group.
    process.kill(-(child.pid ?? 0), 'SIGTERM')
    await exited
    assert.deepEqual(secrets(), [])
  })
})

test('every script of the contract is there and executable, in both sets', () => {
  for (const set of ['helm', 'kubectl']) {
    const here = readdirSync(join(controlScriptsDir, set))
    for (const name of scriptNames.filter((each) => each !== 'notifications'))
      assert.ok(here.includes(name), `${set}/${name}`)
  }
})

test('the folder works on its own, with the one package that it names, in the version of the repository', async () => {
  const own = JSON.parse(readFileSync(join(controlScriptsDir, 'package.json'), 'utf8'))
  const all = JSON.parse(readFileSync(join(controlScriptsDir, '../../package.json'), 'utf8'))
  assert.deepEqual(own.dependencies, { yaml: all.dependencies.yaml })
  const copy = join(folder, 'copy')
  cpSync(controlScriptsDir, copy, { recursive: true })
  const { env } = createHelmEnvironment({ DEFAULTS: '{"chart_name":"x"}' })
  const run = (script: string, args: string[]) =>
    new Promise((resolve) =>
      execFile(join(copy, script), args, { env }, (_, stdout, stderr) => resolve(stdout + stderr)),
    )
  const args = configArguments('deployment_config', project, [])
  assert.equal(await run('helm/deployment_config', args), 'chart_name,x\n')
  assert.equal(
    await run('kubectl/deployment_config', args),
    'The package yaml is missing: run npm install in the folder of the control scripts.\n',
  )
})

test('DEFAULTS become the defaults: values may hold =, commas and newlines', async () => {
  const { ask } = createHelmEnvironment({
    DEFAULTS: JSON.stringify({
      chart_repo_url: 'https://a.b',
      chart_name: 'c',
      chart_version: '1.2.3',
      default_overrides: ['a=b=c', 'd=1,2\n3'],
    }),
  })
  assert.equal(
    (await ask('deployment_config')).stdout,
    'chart_repo_url,https://a.b\nchart_version,1.2.3\nchart_name,c\n',
  )
  assert.equal(
    (await ask('deployment_config_keys')).stdout,
    'chart_name\nchart_repo_pass\nchart_repo_url\nchart_repo_user\nchart_version\n',
  )
  assert.equal((await ask('application_config')).stdout, 'a,b=c\nd,"1,2\n3"\n')
  assert.deepEqual(await createHelmEnvironment().ask('application_config'), {
    code: 0,
    stdout: '',
    stderr: '',
  })
})

const invalid: [string, Environment, Environment, RegExp][] = [
  ['DEFAULTS that are not JSON', { DEFAULTS: '{' }, {}, /^DEFAULTS is not JSON: .+\n$/],
  [
    'overrides that are no pairs',
    { DEFAULTS: '{"default_overrides":["a"]}' },
    {},
    /^default_overrides in DEFAULTS is not a list of texts like "key=value"\.\n$/,
  ],
  ['no repository', {}, { chart_name: 'x' }, /^chart_repo_url is not set\.\n$/],
  ['no chart', {}, { chart_repo_url: 'https://a.b', chart_name: ' ' }, /^chart_name is not set\.\n$/],
  [
    'an address of another kind',
    {},
    { chart_repo_url: 'ftp://a.b', chart_name: 'x' },
    /^chart_repo_url "ftp:\/\/a\.b" is not the address of a repository/,
  ],
  [
    'a name that helm would take for an option',
    {},
    { chart_repo_url: 'https://a.b', chart_name: '--debug' },
    /^chart_name "--debug" is not the name of a chart\.\n$/,
  ],
  [
    'a name that leads elsewhere',
    {},
    { chart_repo_url: 'file:///charts', chart_name: '../x' },
    /^chart_name "\.\.\/x" is not the name of a chart\.\n$/,
  ],
  [
    'a version that is none',
    {},
    { chart_repo_url: 'https://a.b', chart_name: 'x', chart_version: '$(id)' },
    /^chart_version "\$\(id\)" is not a version\.\n$/,
  ],
  [
    'a folder that is no chart',
    {},
    { chart_repo_url: 'file:///usr', chart_name: 'bin' },
    /^There is no chart at \/usr\/bin\.\n$/,
  ],
  [
    'a folder outside of the default one',
    { DEFAULTS: '{"chart_repo_url":"file:///charts/"}' },
    { chart_repo_url: 'file:///charts/../etc', chart_name: 'x' },
    /^chart_repo_url "file:\/\/\/charts\/\.\.\/etc" is a folder outside of chart_repo_url in DEFAULTS/,
  ],
  [
    'a folder that is not there',
    {},
    { chart_repo_url: 'file:///no/such', chart_name: 'x' },
    /^There is no chart at \/no\/such\/x\.\n$/,
  ],
  [
    'a helm that is not there',
    { HELM_BIN: '/no/such/helm' },
    { chart_repo_url: 'https://a.b', chart_name: 'x' },
    /^\/no\/such\/helm was not found: put helm on the PATH or set HELM_BIN\.\n$/,
  ],
]
for (const [what, environment, deployment, expected] of invalid)
  test(`${what}: one sentence and exit code 1`, async () => {
    const { ask } = createHelmEnvironment(environment)
    const result = await ask(
      deployment.chart_name ? 'application_config_keys' : 'application_config',
      deployment,
    )
    assert.match(result.stderr, expected)
    assert.equal(result.code, 1)
  })
