/** The values of a chart: the keys of its subcharts, the types of its defaults, values files and flags of helm. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { importModule } from './control-scripts.ts'

type Pairs = Iterable<[string, string]>
const { chartKeys, typesByDefault } = await importModule<{
  chartKeys(path: string, id: string, valuesFiles?: string[]): Promise<[key: string, type: string][]>
  typesByDefault(
    pairs: Pairs,
    path: string,
    id: string,
    valuesFiles: string[],
  ): Promise<(steps: (string | number)[]) => string | undefined>
}>('helm/lib/chart-keys.mjs')
const { buildValuesTree, formatValues, parseKey } = await importModule<{
  buildValuesTree(pairs: Pairs, typeAt: (steps: (string | number)[]) => string | undefined): unknown
  formatValues(tree: unknown): string
  parseKey(key: string): (string | number)[]
}>('lib/values.mjs')
const { helmFlags, chartValuesFiles, valuesArguments } = await importModule<{
  helmFlags(deployment: Map<string, string>): { all: string[]; render: string[]; timeout?: string }
  chartValuesFiles(deployment: Map<string, string>): string[]
  valuesArguments(deployment: Map<string, string>, path: string, folder: string): Promise<string[]>
}>('helm/lib/helm-options.mjs')
const { chartCrds } = await importModule<{
  chartCrds(chart: { path: string; id: string }): Promise<object[]>
}>('helm/lib/crds.mjs')

const folder = mkdtempSync(join(tmpdir(), 'octopod-chart-values-'))
const chart = join(folder, 'shop')
const packed = join(folder, 'shop-1.0.0.tgz')
const originals = { DEFAULTS: process.env.DEFAULTS, OCTOPOD_SCRIPTS_CACHE: process.env.OCTOPOD_SCRIPTS_CACHE }

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}

before(() => {
  process.env.OCTOPOD_SCRIPTS_CACHE = join(folder, 'cache')
  write(
    'shop/Chart.yaml',
    `apiVersion: v2
name: shop
version: 1.0.0
dependencies:
  - { name: postgresql, version: 1.0.0, alias: db }
  - { name: postgresql, version: 1.0.0, alias: reports }
  - { name: cache, version: 1.0.0 }
`,
  )
  write(
    'shop/values.yaml',
    `env: { DEBUG: "false", LEVEL: info, EXTRA: null }
podAnnotations: { prometheus.io/scrape: "false" }
ingress: { annotations: {} }
replicas: 2
enabled: false
when: "2026-01-01"
db: { auth: { database: shop } }
`,
  )
  write('shop/values-staging.yaml', 'env: { REGION: "1" }\n')
  write(
    'shop/crds/sub/widgets.yaml',
    'kind: CustomResourceDefinition\nmetadata: { name: widgets.x.org }\nspec: { group: x.org, names: { kind: Widget }, versions: [{ name: v1 }] }\n',
  )
  write('shop/charts/cache/Chart.yaml', 'apiVersion: v2\nname: cache\nversion: 1.0.0\n')
  write('shop/charts/cache/values.yaml', 'size: 1Gi\nglobal: { region: eu }\n')
  write(
    'shop/charts/cache/crds/caches.yaml',
    'kind: CustomResourceDefinition\nmetadata: { name: caches.x.org }\nspec: { group: x.org, names: { kind: Cache }, versions: [] }\n',
  )
  write('postgresql/Chart.yaml', 'apiVersion: v2\nname: postgresql\nversion: 1.0.0\n')
  write('postgresql/values.yaml', 'auth: { database: "", password: "" }\nport: 5432\nenabled: true\n')
  const pack = (name: string, file: string) => execFileSync('tar', ['-czf', file, '-C', folder, name])
  pack('postgresql', join(chart, 'charts/postgresql-1.0.0.tgz'))
  pack('shop', packed)
})
after(() => {
  for (const [name, value] of Object.entries(originals))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  rmSync(folder, { recursive: true, force: true })
})

test('The keys of a chart contain those of its subcharts, packed or not, under their aliases', async () => {
  for (const path of [chart, packed]) {
    const keys = (await chartKeys(path, path)).map(([key]) => key)
    assert.deepEqual(keys, [
      'cache.size',
      'db.auth.database',
      'db.auth.password',
      'db.enabled',
      'db.port',
      'enabled',
      'env.DEBUG',
      'env.EXTRA',
      'env.LEVEL',
      'global.region',
      'ingress.annotations',
      'podAnnotations.prometheus\\.io/scrape',
      'replicas',
      'reports.auth.database',
      'reports.auth.password',
      'reports.enabled',
      'reports.port',
      'when',
    ])
  }
  const withFile = (await chartKeys(packed, 'packed', ['values-staging.yaml'])).map(([key]) => key)
  assert.ok(withFile.includes('env.REGION'))
})

test('A value is text where the default of the chart, a subchart or a values file is text, and below annotations', async () => {
  const pairs: [string, string][] = [
    ['env.DEBUG', 'true'],
    ['env.LEVEL', 'null'],
    ['env.EXTRA', 'true'],
    ['env.NEW', '!!str 1'],
    ['env.REGION', '0123'],
    ['podAnnotations.prometheus\\.io/scrape', 'true'],
    ['ingress.annotations.acme', 'true'],
    ['ingress.annotations.size', '50'],
    ['replicas', '3'],
    ['enabled', 'true'],
    ['when', '2026-02-02'],
    ['tag', '1e10'],
    ['db.auth.password', '12345'],
    ['db.port', '5433'],
    ['reports.enabled', 'false'],
    ['unknown', '7'],
  ]
  const types = await typesByDefault(pairs, packed, 'packed', ['values-staging.yaml'])
  assert.equal(
    formatValues(buildValuesTree(pairs, types)),
    '{"env": {"DEBUG": "true", "LEVEL": "null", "EXTRA": true, "NEW": "1", "REGION": "0123"}, ' +
      '"podAnnotations": {"prometheus.io/scrape": "true"}, ' +
      '"ingress": {"annotations": {"acme": "true", "size": "50"}}, "replicas": 3, "enabled": true, ' +
      '"when": "2026-02-02", "tag": "1e10", "db": {"auth": {"password": "12345"}, "port": 5433}, ' +
      '"reports": {"enabled": false}, "unknown": 7}',
  )
  assert.equal(types(parseKey('env.DEBUG')), 'text')
})

test('The definitions in the folders crds of a chart and its subcharts are found', async () => {
  assert.deepEqual(await chartCrds({ path: packed, id: 'packed' }), [
    { name: 'widgets.x.org', kind: 'Widget', group: 'x.org', versions: ['v1'] },
    { name: 'caches.x.org', kind: 'Cache', group: 'x.org', versions: [] },
  ])
})

test('DEFAULTS sets values files and flags; a deployment may choose a file of the chart and allowed flags', async () => {
  const machineFile = join(folder, 'machine.yaml')
  writeFileSync(machineFile, 'a: 1\n')
  process.env.DEFAULTS = JSON.stringify({
    values_files: [machineFile, 'values-staging.yaml'],
    helm_flags: ['--wait', '--timeout=2m'],
    allowed_helm_flags: ['--atomic', '--timeout'],
  })
  const chosen = new Map([
    ['helm_flags', ' --atomic --timeout=5m '],
    ['values_file', 'values.yaml'],
  ])
  assert.deepEqual(helmFlags(chosen), {
    all: ['--wait', '--timeout=2m', '--atomic', '--timeout=5m'],
    render: [],
    timeout: '5m',
  })
  assert.deepEqual(chartValuesFiles(chosen), ['values-staging.yaml', 'values.yaml'])
  const target = join(folder, 'target')
  mkdirSync(target)
  const args = await valuesArguments(chosen, packed, target)
  assert.deepEqual(
    args.filter((arg) => arg !== '-f').map((file) => readFileSync(file, 'utf8').slice(0, 10)),
    ['a: 1\n', 'env: { REG', 'env: { DEB'],
  )

  const refused: [string, string, RegExp][] = [
    [
      'helm_flags',
      '--post-renderer=/bin/sh',
      /helm_flags: "--post-renderer=\/bin\/sh" is not allowed\. Allowed, .*: --atomic, --timeout\.$/,
    ],
    ['helm_flags', 'upgrade', /helm_flags: "upgrade" is not allowed/],
    ['helm_flags', '-f=/etc/passwd', /is not allowed/],
  ]
  for (const [key, value, message] of refused)
    assert.throws(() => helmFlags(new Map([[key, value]])), message)
  for (const file of ['../../etc/passwd', '/etc/passwd', 'charts', 'nowhere.yaml'])
    await assert.rejects(
      valuesArguments(new Map([['values_file', file]]), packed, target),
      /is not a file of the chart\.$/,
    )
  process.env.DEFAULTS = '{}'
  assert.throws(
    () => helmFlags(new Map([['helm_flags', '--wait']])),
    /allowed_helm_flags in DEFAULTS allows none/,
  )
  assert.throws(() => chartValuesFiles(new Map([['values_file', 'a']])), /DEFAULTS has no values_files/)
  process.env.DEFAULTS = '{"allowed_helm_flags":["--set","--set-string","--password"]}'
  for (const flag of ['--set=a=TOPSECRET', '--set-string=a=TOPSECRET', '--password=TOPSECRET'])
    assert.throws(
      () => helmFlags(new Map([['helm_flags', flag]])),
      /^Error: helm_flags: --[a-z-]+ cannot be set, because its value would be in the list of processes\. Set the key in the application config\.$/,
    )
  process.env.DEFAULTS = '{"helm_flags":["--dry-run=client"]}'
  assert.throws(() => helmFlags(new Map()), /"--dry-run=client" cannot be set/)
})
