/** Fetching charts with a real helm: private repositories and registries, caching, and secrets that must not leak. */
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

/** A helm that records its calls, with a separate cache for each test. */
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
    DEFAULTS: '{"allowed_chart_repos":["*","file:///"]}',
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
    runConfigScript: (script: ConfigScript, deployment: Environment = {}) =>
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

  /** The credentials of the default repository. */
  const withCredentials = () => ({
    HELM_USER: user,
    HELM_PASS: password,
    DEFAULTS: JSON.stringify({ chart_repo_url: repository.url }),
  })

  before(async () => {
    const archive = packChart(charts, '1.0.0')
    repository = await serveRepository(charts)
    registry = await serveRegistry(archive, '1.0.0')
    open = await serveRepository(charts, true)
  })
  after(() => Promise.all([repository, registry, open].map((server) => server?.stop())))

  test('The keys of a chart come from a private repository; the password is in no argument, output or file', async () => {
    const { runConfigScript, calls, cache } = createHelmEnvironment(withCredentials())
    const result = await runConfigScript('application_config_keys', chart())
    assert.deepEqual(result, { code: 0, stdout: `${keys.join('\n')}\n`, stderr: '' })
    assert.match(calls(), /^repo update r HELM_PASS=$/m)
    assert.ok(!calls().includes(password))
    for (const file of filesBelow(cache)) assert.ok(!readFileSync(file, 'utf8').includes(password), file)

    const before = calls()
    assert.equal((await runConfigScript('application_config_keys', chart())).code, 0)
    assert.equal(calls(), before, 'the second call does not run helm')
  })

  test('A chart fetched with credentials is not given to a user without them', async () => {
    const { runConfigScript } = createHelmEnvironment()
    const config = chart({ chart_repo_user: user, chart_repo_pass: password })
    assert.equal((await runConfigScript('application_config_keys', config)).code, 0)
    for (const other of [chart(), chart({ chart_repo_user: user, chart_repo_pass: 'guessed it' })]) {
      const result = await runConfigScript('application_config_keys', other)
      assert.equal(result.code, 1)
      assert.match(result.stderr, /^Cannot fetch the chart shows 1\.0\.0 from http:\/\/\S+: .*401.*\n$/)
      assert.ok(!result.stderr.includes('guessed it'))
    }
  })

  test('HELM_PASS is sent only to the host of the default repository', async () => {
    const DEFAULTS = JSON.stringify({ chart_repo_url: `${repository.url}/`, allowed_chart_repos: [open.url] })
    const { runConfigScript } = createHelmEnvironment({ HELM_USER: user, HELM_PASS: password, DEFAULTS })
    assert.equal((await runConfigScript('application_config_keys', chart())).code, 0)
    assert.equal(
      (await runConfigScript('application_config_keys', chart({ chart_repo_url: open.url }))).code,
      0,
    )
    assert.deepEqual(
      open.requests.filter((request) => request.endsWith('with credentials')),
      [],
    )
  })

  test('A version that is newer than the cached index is found', async () => {
    const { runConfigScript } = createHelmEnvironment(withCredentials())
    assert.equal((await runConfigScript('application_config_keys', chart())).code, 0)
    packChart(charts, '1.1.0')
    assert.equal(
      (await runConfigScript('application_config_keys', chart({ chart_version: '1.1.0' }))).code,
      0,
    )
    const missing = await runConfigScript('application_config_keys', chart({ chart_version: '9.9.9' }))
    assert.match(missing.stderr, /^Cannot fetch the chart shows 9\.9\.9 from http:\/\/\S+: .*not found.*\n$/)
  })

  test('A cached chart survives an unreachable repository; a chart that is not cached gives one sentence', async () => {
    const unreachable = await serveRepository(charts, true)
    const { runConfigScript, cache } = createHelmEnvironment()
    const config = chart({ chart_repo_url: unreachable.url, chart_version: '' })
    assert.equal((await runConfigScript('application_config_keys', config)).code, 0)
    await unreachable.stop()
    // A chart without a version is fetched again after five minutes.
    const old = new Date(Date.now() - 10 * 60_000)
    for (const file of filesBelow(cache).filter((path) => /\.tgz$|index\.yaml$/.test(path)))
      utimesSync(file, old, old)
    assert.equal((await runConfigScript('application_config_keys', config)).code, 0)
    const other = await runConfigScript('application_config_keys', { ...config, chart_name: 'other' })
    assert.equal(other.code, 1)
    assert.match(other.stderr, /^Cannot fetch the chart other from http:\/\/\S+: .+\n$/)
  })

  test('With HELM_ON_INIT_ONLY only init fetches the index', async () => {
    const DEFAULTS = JSON.stringify({ ...chart(), default_overrides: [] })
    const { runConfigScript, run, calls } = createHelmEnvironment({
      HELM_USER: user,
      HELM_PASS: password,
      DEFAULTS,
      HELM_ON_INIT_ONLY: 'true',
    })
    const early = await runConfigScript('application_config_keys', chart())
    assert.match(
      early.stderr,
      /^The repository http:\/\/\S+ was not added by init, and HELM_ON_INIT_ONLY forbids other scripts to add it\.\n$/,
    )
    assert.equal((await run('init', [])).code, 0)
    assert.equal((await runConfigScript('application_config_keys', chart())).code, 0)
    assert.equal(calls().match(/repo update/g)?.length, 1)
  })

  test('An OCI registry serves the chart with credentials; without them there is one sentence', async () => {
    const { runConfigScript, calls } = createHelmEnvironment({ HELM_PLAIN_HTTP: 'true' })
    const oci = chart({ chart_repo_url: `oci://${registry.host}/charts` })
    const result = await runConfigScript('application_config_keys', {
      ...oci,
      chart_repo_user: user,
      chart_repo_pass: password,
    })
    assert.deepEqual(result, { code: 0, stdout: `${keys.join('\n')}\n`, stderr: '' })
    assert.ok(!calls().includes(password))
    const refused = await runConfigScript('application_config_keys', oci)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /^Cannot fetch the chart shows 1\.0\.0 from oci:\/\/\S+: .+\n$/)
  })

  test('Many concurrent scripts fetch a chart once', async () => {
    const { runConfigScript, calls } = createHelmEnvironment(withCredentials())
    const all = await Promise.all(
      Array.from({ length: 8 }, () => runConfigScript('application_config_keys', chart())),
    )
    assert.deepEqual(new Set(all.map(({ code }) => code)), new Set([0]))
    for (const call of [/^repo update/gm, /^pull/gm])
      assert.equal(calls().match(call)?.length, 1, String(call))
  })

  test('A terminated script leaves no credentials in a file', async () => {
    const slow = createHelmEnvironment(withCredentials())
    writeFileSync(slow.env.HELM_BIN ?? '', '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 })
    const args = configArguments('application_config_keys', project, Object.entries(chart()))
    const child = spawn(join(controlScriptsDir, 'helm/application_config_keys'), args, {
      env: slow.env,
      detached: true,
      stdio: 'ignore',
    })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    // The script writes a file under another name first, so a listed file may be gone.
    const read = (file: string) => {
      try {
        return readFileSync(file, 'utf8')
      } catch {
        return ''
      }
    }
    const secrets = () => filesBelow(slow.cache).filter((file) => read(file).includes(user))
    await waitFor('helm runs', async () => ({ done: secrets().length > 0, value: null }))
    // The runner also signals the whole process group.
    process.kill(-(child.pid ?? 0), 'SIGTERM')
    await exited
    assert.deepEqual(secrets(), [])
  })
})

test('Both sets contain every script', () => {
  for (const set of ['helm', 'kubectl']) {
    const files = readdirSync(join(controlScriptsDir, set))
    for (const name of scriptNames.filter((name) => name !== 'notifications'))
      assert.ok(files.includes(name), `${set}/${name}`)
  }
})

test('A copy of the folder works with the one package in its package.json, in the same version as the repository', async () => {
  const ownManifest = JSON.parse(readFileSync(join(controlScriptsDir, 'package.json'), 'utf8'))
  const rootManifest = JSON.parse(readFileSync(join(controlScriptsDir, '../../package.json'), 'utf8'))
  assert.deepEqual(ownManifest.dependencies, { yaml: rootManifest.dependencies.yaml })
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

test('DEFAULTS gives the defaults, with values that contain =, commas and newlines', async () => {
  const { runConfigScript } = createHelmEnvironment({
    DEFAULTS: JSON.stringify({
      chart_repo_url: 'https://a.b',
      chart_name: 'c',
      chart_version: '1.2.3',
      default_overrides: ['a=b=c', 'd=1,2\n3'],
    }),
  })
  assert.equal(
    (await runConfigScript('deployment_config')).stdout,
    'chart_repo_url,https://a.b\nchart_version,1.2.3\nchart_name,c\n',
  )
  assert.equal(
    (await runConfigScript('deployment_config_keys')).stdout,
    'chart_name\nchart_repo_pass\nchart_repo_url\nchart_repo_user\nchart_version\n',
  )
  assert.equal((await runConfigScript('application_config')).stdout, 'a,b=c\nd,"1,2\n3"\n')
  assert.deepEqual(await createHelmEnvironment().runConfigScript('application_config'), {
    code: 0,
    stdout: '',
    stderr: '',
  })
})

const invalid: [string, Environment, Environment, RegExp][] = [
  ['DEFAULTS is not JSON', { DEFAULTS: '{' }, {}, /^DEFAULTS is not JSON: .+\n$/],
  [
    'default_overrides has an entry without =',
    { DEFAULTS: '{"default_overrides":["a"]}' },
    {},
    /^default_overrides in DEFAULTS is not a list of texts like "key=value"\.\n$/,
  ],
  ['The repository is missing', {}, { chart_name: 'x' }, /^chart_repo_url is not set\.\n$/],
  [
    'The chart is missing',
    {},
    { chart_repo_url: 'https://a.b', chart_name: ' ' },
    /^chart_name is not set\.\n$/,
  ],
  [
    'The address has an unknown scheme',
    {},
    { chart_repo_url: 'ftp://a.b', chart_name: 'x' },
    /^chart_repo_url "ftp:\/\/a\.b" is not the address of a repository/,
  ],
  [
    'The name looks like an option of helm',
    {},
    { chart_repo_url: 'https://a.b', chart_name: '--debug' },
    /^chart_name "--debug" is not the name of a chart\.\n$/,
  ],
  [
    'The name leads to another folder',
    {},
    { chart_repo_url: 'file:///charts', chart_name: '../x' },
    /^chart_name "\.\.\/x" is not the name of a chart\.\n$/,
  ],
  [
    'The version is invalid',
    {},
    { chart_repo_url: 'https://a.b', chart_name: 'x', chart_version: '$(id)' },
    /^chart_version "\$\(id\)" is not a version\.\n$/,
  ],
  [
    'The folder contains no chart',
    {},
    { chart_repo_url: 'file:///usr', chart_name: 'bin' },
    /^There is no chart at \/usr\/bin\.\n$/,
  ],
  [
    'The folder is outside of the default folder',
    { DEFAULTS: '{"chart_repo_url":"file:///charts/"}' },
    { chart_repo_url: 'file:///charts/../etc', chart_name: 'x' },
    /^chart_repo_url: "file:\/\/\/charts\/\.\.\/etc" is not allowed\. It must be chart_repo_url of DEFAULTS or below/,
  ],
  [
    'The repository is not that of DEFAULTS',
    { DEFAULTS: '{"chart_repo_url":"https://a.b/charts"}' },
    { chart_repo_url: 'https://a.b/charts-of-others', chart_name: 'x' },
    /^chart_repo_url: "https:\/\/a\.b\/charts-of-others" is not allowed\. .* below one of allowed_chart_repos there\.\n$/,
  ],
  [
    'The repository leaves an allowed one with an escaped path',
    { DEFAULTS: '{"allowed_chart_repos":["oci://a.b/charts"]}' },
    { chart_repo_url: 'oci://a.b/charts/%2e%2e/evil', chart_name: 'x' },
    /^chart_repo_url: "oci:.*" is not allowed/,
  ],
  [
    'Without DEFAULTS no repository is allowed',
    { DEFAULTS: '' },
    { chart_repo_url: 'https://a.b', chart_name: 'x' },
    /^chart_repo_url: "https:\/\/a\.b" is not allowed/,
  ],
  [
    'All repositories are allowed, but no folder',
    { DEFAULTS: '{"allowed_chart_repos":["*"]}' },
    { chart_repo_url: 'file:///charts', chart_name: 'x' },
    /^chart_repo_url: "file:\/\/\/charts" is not allowed/,
  ],
  [
    'The folder does not exist',
    {},
    { chart_repo_url: 'file:///no/such', chart_name: 'x' },
    /^There is no chart at \/no\/such\/x\.\n$/,
  ],
  [
    'The helm program does not exist',
    { HELM_BIN: '/no/such/helm' },
    { chart_repo_url: 'https://a.b', chart_name: 'x' },
    /^\/no\/such\/helm was not found: put helm on the PATH or set HELM_BIN\.\n$/,
  ],
]
for (const [title, environment, deployment, expected] of invalid)
  test(`${title}: the script prints one sentence and exits with 1`, async () => {
    const { runConfigScript } = createHelmEnvironment(environment)
    const result = await runConfigScript(
      deployment.chart_name ? 'application_config_keys' : 'application_config',
      deployment,
    )
    assert.match(result.stderr, expected)
    assert.equal(result.code, 1)
  })
