/**
 * A whole life of a deployment for each kind of chart that people have, with each Helm: create, a failing update, an
 * update, archive, restore, archive, cleanup. The scripts run one by one, as a runner runs them. MATRIX=run runs it;
 * MATRIX=write also writes the table in README.md.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  password,
  type ServedRepository,
  serveRegistry,
  user,
} from '../infra/control-scripts/chart-repositories.ts'
import {
  createNamespace,
  deleteDefinition,
  getObjects,
  helmOfVersion,
  helms,
  listNamespace,
} from './cluster.ts'
import { type MatrixChart, matrixCharts, packChart, writeChart } from './matrix-charts.ts'
import { createScriptRunner } from './run-script.ts'

const steps = [
  'create',
  'failing update',
  'update',
  'archive',
  'restore',
  'archive again',
  'cleanup',
] as const
type Step = (typeof steps)[number]
type Times = Partial<Record<Step, number>>
const results: { title: string; helm: string; times: Times }[] = []
const folder = mkdtempSync(join(tmpdir(), 'octopod-matrix-'))
const definitions = ['matrixwidgets.octopod.example.com', 'templatewidgets.octopod.example.com']

before(() => {
  for (const chart of matrixCharts) writeChart(folder, chart)
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  for (const definition of definitions) await deleteDefinition(definition)
  if (process.env.MATRIX === 'write') writeTable()
})

/** Eighteen lives take many minutes: they run on request. */
const skip =
  process.env.MATRIX === undefined ? 'set MATRIX=run, or MATRIX=write to write the table too' : false

for (const helm of helms)
  describe(`charts that people have, with ${helm}`, { concurrency: 2, skip }, () => {
    let namespace: Awaited<ReturnType<typeof createNamespace>>
    let initialObjects: string[]
    before(async () => {
      namespace = await createNamespace()
      initialObjects = await listNamespace(namespace.name)
    })
    after(async () => {
      try {
        assert.deepEqual(await listNamespace(namespace.name), initialObjects, 'nothing is left')
      } finally {
        await namespace.remove()
      }
    })
    for (const chart of matrixCharts)
      test(`${chart.title}: from create to cleanup`, () => wholeLife(chart, helm, namespace.name))
  })

async function wholeLife(chart: MatrixChart, helm: string, namespace: string): Promise<void> {
  const registry = chart.isServedByRegistry ? await serveChart(chart, helm) : null
  const scripts = createScriptRunner('helm', namespace, {
    deployment: {
      chart_name: chart.name,
      chart_repo_url: registry === null ? pathToFileURL(folder).href : `oci://${registry.host}/charts`,
      chart_version: '1.0.0',
    },
    environment: environmentOf(chart, helm, registry),
  })
  const name = chart.name
  const config = chart.config ?? {}
  const updated = { ...config, ...chart.update, replicas: '2' }
  const times: Times = {}
  results.push({ title: chart.title, helm, times })
  const measure = async (step: Step, work: () => Promise<unknown>) => {
    const startedAtMs = performance.now()
    await work()
    times[step] = performance.now() - startedAtMs
  }
  const succeed = async (script: Parameters<typeof scripts.run>[0], used = config) => {
    const result = await scripts.run(script, name, used)
    assert.equal(result.code, 0, `${script}: ${JSON.stringify(result)}`)
    return result
  }
  const deploy = async (script: 'create' | 'update', used = config) => {
    await succeed('config_check', used)
    await succeed('info', used)
    await succeed(script, used)
    await scripts.runUntilExitCode(0, 'check', name, used)
  }
  const archive = async () => {
    await succeed('archive')
    await scripts.runUntilExitCode(0, 'archive_check', name, config)
    const pods = await getObjects(namespace, 'pods')
    const left = pods.filter(
      ({ metadata, status }) =>
        metadata.name.startsWith(`${name}-`) && !['Succeeded', 'Failed'].includes(String(status.phase)),
    )
    assert.deepEqual(left, [])
  }
  try {
    await measure('create', () => deploy('create'))
    await measure('failing update', () => failUpdate(chart, scripts))
    await measure('update', () => deploy('update', updated))
    await measure('archive', archive)
    await measure('restore', async () => {
      await succeed('unarchive')
      await scripts.runUntilExitCode(0, 'check', name, updated)
    })
    await measure('archive again', archive)
    await measure('cleanup', () => succeed('cleanup'))
  } finally {
    scripts.removeCache()
    await registry?.stop()
  }
}

/** The failing script says why, and a deployment whose update has failed can be archived at once. */
async function failUpdate(chart: MatrixChart, scripts: ReturnType<typeof createScriptRunner>): Promise<void> {
  const { config: failing, script, message } = chart.failing
  const config = { ...chart.config, ...failing }
  const refused = await scripts.run('config_check', chart.name, config)
  if (script === 'config_check') {
    assert.equal(refused.code, 1, JSON.stringify(refused))
    assert.match(refused.stdout, message)
    return
  }
  assert.equal(refused.code, 0, JSON.stringify(refused))
  const updated = await scripts.run('update', chart.name, config)
  assert.equal(updated.code, script === 'update' ? 1 : 0, JSON.stringify(updated))
  if (script === 'update') {
    assert.match(updated.stderr, message)
    assert.ok(updated.stderr.trim().split('\n').length <= 20, updated.stderr)
    return
  }
  const endsAtMs = performance.now() + 90_000
  for (;;) {
    const checked = await scripts.run('check', chart.name, config)
    assert.notEqual(checked.code, 0)
    if (message.test(checked.stderr)) return
    assert.ok(performance.now() < endsAtMs, JSON.stringify(checked))
  }
}

async function serveChart(chart: MatrixChart, helm: string): Promise<ServedRepository> {
  const archive = packChart(folder, join(folder, chart.name), helm)
  return serveRegistry(archive, '1.0.0')
}

function environmentOf(chart: MatrixChart, helm: string, registry: ServedRepository | null) {
  const url = registry === null ? pathToFileURL(folder).href : `oci://${registry.host}/charts`
  const credentials =
    registry === null ? {} : { HELM_USER: user, HELM_PASS: password, HELM_PLAIN_HTTP: 'true' }
  return {
    HELM_BIN: helm,
    DEFAULTS: JSON.stringify({ chart_repo_url: url, ...chart.defaults }),
    ...credentials,
  }
}

/** Replaces the rows of the charts that have run, so that one chart can run alone. */
function writeTable(): void {
  const file = join(import.meta.dirname, 'README.md')
  const text = readFileSync(file, 'utf8')
  const [, before = '', old = '', after = ''] =
    /^([\s\S]*<!-- matrix -->\n)([\s\S]*?)(<!-- end of matrix -->[\s\S]*)$/.exec(text) ?? []
  const cell = (ms: number | undefined) => (ms === undefined ? 'failed' : `${(ms / 1000).toFixed(1)} s`)
  const head = ['chart', 'Helm', ...steps]
  const rows = new Map<string, string[]>()
  for (const line of old.split('\n').slice(3)) {
    const row = line.split('|').slice(1, -1)
    if (row.length > 0)
      rows.set(
        row.slice(0, 2).join('|'),
        row.map((value) => value.trim()),
      )
  }
  for (const { title, helm, times } of results) {
    const version = helm === helmOfVersion('4') ? '4' : '3'
    rows.set(` ${title} | ${version} `, [title, version, ...steps.map((step) => cell(times[step]))])
  }
  const sorted = [...rows.values()].sort(
    ([first = '', one = ''], [second = '', other = '']) =>
      order(first) - order(second) || other.localeCompare(one),
  )
  const table = [head, head.map(() => '---'), ...sorted].map((row) => `| ${row.join(' | ')} |`).join('\n')
  writeFileSync(file, `${before}\n${table}\n\n${after}`)
}

const order = (title: string) => matrixCharts.findIndex((chart) => chart.title === title)
