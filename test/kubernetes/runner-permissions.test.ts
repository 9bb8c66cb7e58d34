/**
 * Octopod's own chart gives its runner an account; with its rights and nothing more, the generic Helm scripts do all they
 * have to do. The runner itself is started here, with a token of that account: kwok's pods run nothing.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createNamespace, getObjects, helm, helms, kubectl, listNamespace } from './cluster.ts'
import { type Octopod, startOctopod } from './octopod.ts'

const charts = { octopod: join(import.meta.dirname, '../../infra/chart'), sample: import.meta.dirname }
let folder: string
let portal: Awaited<ReturnType<typeof createNamespace>>
let staging: Awaited<ReturnType<typeof createNamespace>>
let octopod: Octopod
let initialObjects: string[]

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octopod-rights-'))
  portal = await createNamespace()
  staging = await createNamespace()
  const values = join(folder, 'values.json')
  const stores = {
    postgres: { url: 'postgres://octopod:secret@postgres.example.com/octopod' },
    redis: { url: 'redis://redis.example.com' },
  }
  // Only the account is of interest: nothing waits for stores that are not there.
  const settings = { settings: { NAMESPACE: staging.name }, migration: { how: 'none' } }
  await writeFile(values, JSON.stringify({ ...stores, ...settings }))
  await helm('install', 'octopod', charts.octopod, `--namespace=${portal.name}`, `--values=${values}`)
  initialObjects = await listNamespace(staging.name)
  octopod = await startOctopod({
    NAMESPACE: staging.name,
    KUBECONFIG: await kubeconfigOf('octopod-runner'),
    HELM_BIN: helms[0] ?? 'helm',
    DEFAULTS: JSON.stringify({ chart_name: 'sample-chart', chart_repo_url: `file://${charts.sample}` }),
  })
})
after(async () => {
  await octopod?.stop()
  await Promise.all([portal?.remove(), staging?.remove()])
  await rm(folder, { recursive: true, force: true })
})

/** Our own kubeconfig with another user: an account of the portal's namespace. */
async function kubeconfigOf(account: string): Promise<string> {
  const token = await kubectl('create', 'token', account, `--namespace=${portal.name}`, '--duration=1h')
  const { clusters, contexts, ...config } = JSON.parse(
    await kubectl('config', 'view', '--raw', '--minify', '--output=json'),
  ) as { clusters: { name: string }[]; contexts: { name: string; context: object }[] }
  const file = join(folder, 'kubeconfig')
  const context = { ...contexts[0]?.context, user: account, namespace: staging.name }
  const own = {
    ...config,
    clusters,
    contexts: [{ name: 'test', context }],
    users: [{ name: account, user: { token: token.trim() } }],
    'current-context': 'test',
  }
  await writeFile(file, JSON.stringify(own), { mode: 0o600 })
  return file
}

test('the whole life of a deployment needs no more rights than the chart gives', async () => {
  await octopod.create('narrow', {})
  await octopod.waitForStatus('narrow', 'Running')
  await octopod.update('narrow', { 'image.tag': '1.37' })
  await octopod.waitForStatus('narrow', 'Running')
  await octopod.archive('narrow')
  await octopod.waitForStatus('narrow', 'Archived')
  await octopod.restore('narrow')
  await octopod.waitForStatus('narrow', 'Running')
  assert.equal((await getObjects(staging.name, 'deployments')).length, 2)
  await octopod.archive('narrow')
  await octopod.waitForStatus('narrow', 'Archived')
  await octopod.cleanup('narrow')
  await octopod.waitUntilDeleted('narrow')
  assert.deepEqual(await listNamespace(staging.name), initialObjects)
})

test('and it has no others: not in the namespace of Octopod, where its own secrets are', async () => {
  const kubeconfig = join(folder, 'kubeconfig')
  assert.match(await readFile(kubeconfig, 'utf8'), /octopod-runner/)
  const asRunner = (...args: string[]) => kubectl(`--kubeconfig=${kubeconfig}`, ...args)
  assert.equal(
    (await asRunner('auth', 'whoami', '--output=jsonpath={.status.userInfo.username}')).split(':').at(-1),
    'octopod-runner',
  )
  await assert.rejects(asRunner('get', 'secrets', `--namespace=${portal.name}`), /forbidden/i)
  await assert.rejects(asRunner('get', 'nodes'), /forbidden/i)
})
