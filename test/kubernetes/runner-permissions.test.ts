/**
 * The permissions that Octopod's chart gives to the runner are enough for the Helm scripts, and not more. The test
 * starts the runner itself with a token of the runner's service account, because kwok's pods run no containers.
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
let octopodNamespace: Awaited<ReturnType<typeof createNamespace>>
let stagingNamespace: Awaited<ReturnType<typeof createNamespace>>
let octopod: Octopod
let initialObjects: string[]

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octopod-rights-'))
  octopodNamespace = await createNamespace()
  stagingNamespace = await createNamespace()
  const values = join(folder, 'values.json')
  const stores = {
    postgres: { url: 'postgres://octopod:secret@postgres.example.com/octopod' },
    redis: { url: 'redis://redis.example.com' },
  }
  // Only the service account matters here, so the datastores need not exist.
  const settings = {
    settings: { NAMESPACE: stagingNamespace.name },
    migration: { mode: 'none' },
    access: { anonymousRole: 'none' },
  }
  await writeFile(values, JSON.stringify({ ...stores, ...settings }))
  await helm(
    'install',
    'octopod',
    charts.octopod,
    `--namespace=${octopodNamespace.name}`,
    `--values=${values}`,
  )
  initialObjects = await listNamespace(stagingNamespace.name)
  octopod = await startOctopod({
    NAMESPACE: stagingNamespace.name,
    KUBECONFIG: await kubeconfigOf('octopod-runner'),
    HELM_BIN: helms[0] ?? 'helm',
    DEFAULTS: JSON.stringify({ chart_name: 'sample-chart', chart_repo_url: `file://${charts.sample}` }),
  })
})
after(async () => {
  await octopod?.stop()
  await Promise.all([octopodNamespace?.remove(), stagingNamespace?.remove()])
  await rm(folder, { recursive: true, force: true })
})

/** A kubeconfig for a service account of Octopod's namespace. */
async function kubeconfigOf(account: string): Promise<string> {
  const token = await kubectl(
    'create',
    'token',
    account,
    `--namespace=${octopodNamespace.name}`,
    '--duration=1h',
  )
  const { clusters, contexts, ...config } = JSON.parse(
    await kubectl('config', 'view', '--raw', '--minify', '--output=json'),
  ) as { clusters: { name: string }[]; contexts: { name: string; context: object }[] }
  const file = join(folder, 'kubeconfig')
  const context = { ...contexts[0]?.context, user: account, namespace: stagingNamespace.name }
  const kubeconfig = {
    ...config,
    clusters,
    contexts: [{ name: 'test', context }],
    users: [{ name: account, user: { token: token.trim() } }],
    'current-context': 'test',
  }
  await writeFile(file, JSON.stringify(kubeconfig), { mode: 0o600 })
  return file
}

test('The permissions of the chart are enough to create, update, archive, restore and delete a deployment', async () => {
  await octopod.create('narrow', {})
  await octopod.waitForStatus('narrow', 'Running')
  await octopod.update('narrow', { 'image.tag': '1.37' })
  await octopod.waitForStatus('narrow', 'Running')
  await octopod.archive('narrow')
  await octopod.waitForStatus('narrow', 'Archived')
  await octopod.restore('narrow')
  await octopod.waitForStatus('narrow', 'Running')
  assert.equal((await getObjects(stagingNamespace.name, 'deployments')).length, 2)
  await octopod.archive('narrow')
  await octopod.waitForStatus('narrow', 'Archived')
  await octopod.cleanup('narrow')
  await octopod.waitUntilDeleted('narrow')
  assert.deepEqual(await listNamespace(stagingNamespace.name), initialObjects)
})

test('The runner cannot read the secrets of Octopod, nor cluster objects', async () => {
  const kubeconfig = join(folder, 'kubeconfig')
  assert.match(await readFile(kubeconfig, 'utf8'), /octopod-runner/)
  const asRunner = (...args: string[]) => kubectl(`--kubeconfig=${kubeconfig}`, ...args)
  assert.equal(
    (await asRunner('auth', 'whoami', '--output=jsonpath={.status.userInfo.username}')).split(':').at(-1),
    'octopod-runner',
  )
  await assert.rejects(asRunner('get', 'secrets', `--namespace=${octopodNamespace.name}`), /forbidden/i)
  await assert.rejects(asRunner('get', 'nodes'), /forbidden/i)
})
