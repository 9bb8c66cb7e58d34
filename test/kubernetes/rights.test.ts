/** The rights that Octopod's chart gives the runner are enough for the Helm scripts, from create to cleanup, and no more. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { chart } from '../infra/chart/helm.ts'
import { type ChartRepository, credentials, serveSampleChart } from './chart-repository.ts'
import { contents, helms, kubectl, makeNamespace } from './cluster.ts'
import { type Octopod, startOctopod } from './octopod.ts'

const run = promisify(execFile)
const [helm = 'helm'] = helms
const folder = mkdtempSync(join(tmpdir(), 'octopod-test-'))
let home: Awaited<ReturnType<typeof makeNamespace>>
let staging: Awaited<ReturnType<typeof makeNamespace>>
let repository: ChartRepository
let octopod: Octopod

before(async () => {
  repository = await serveSampleChart()
  home = await makeNamespace()
  staging = await makeNamespace()
  const values = join(folder, 'values.json')
  writeFileSync(
    values,
    JSON.stringify({
      settings: { NAMESPACE: staging.name },
      postgres: { url: 'postgres://nobody@127.0.0.1/none' },
      redis: { url: 'redis://127.0.0.1' },
      migration: { how: 'none' },
      // Nobody runs here: the runner of this test has its account.
      server: { replicas: 0 },
      runner: { replicas: 0 },
    }),
  )
  await run(helm, ['install', 'octopod', chart, '--namespace', home.name, '--values', values])
  octopod = await startOctopod({
    NAMESPACE: staging.name,
    KUBECONFIG: await kubeconfigOf('octopod-runner'),
    HELM_BIN: helm,
    HELM_USER: credentials.user,
    HELM_PASS: credentials.password,
    DEFAULTS: JSON.stringify({
      chart_name: 'sample',
      chart_repo_url: repository.url,
      chart_version: '1.2.3',
      default_overrides: ['image.tag=1.36'],
    }),
  })
})
after(async () => {
  await octopod?.stop()
  await repository?.stop()
  await run(helm, ['uninstall', 'octopod', '--namespace', home.name]).catch(() => {})
  await Promise.all([home?.remove(), staging?.remove()])
  rmSync(folder, { recursive: true, force: true })
})

/** A kubeconfig as the account has it in its pod: the same cluster, only its token. */
async function kubeconfigOf(account: string): Promise<string> {
  const token = (await kubectl('create', 'token', account, `--namespace=${home.name}`)).trim()
  const config = parse(readFileSync(process.env.KUBECONFIG ?? '', 'utf8'))
  const context = config.contexts.find((one: { name: string }) => one.name === config['current-context'])
  config.users = [{ name: 'the-runner', user: { token } }]
  context.context = { cluster: context.context.cluster, user: 'the-runner' }
  const file = join(folder, 'kubeconfig')
  writeFileSync(file, stringify(config), { mode: 0o600 })
  return file
}

test('a deployment lives its whole life with them', async () => {
  const before = await contents(staging.name)
  const { text } = await octopod.create('rightful', { 'ingress.tls': 'true' })
  assert.equal(text, '{"tag":"Success"}')
  await octopod.becomes('rightful', 'Running')
  await octopod.update('rightful', { 'image.tag': '1.37' })
  await octopod.becomes('rightful', 'Running')
  await octopod.api('DELETE', '/deployments/rightful')
  await octopod.becomes('rightful', 'Archived')
  await octopod.api('PATCH', '/deployments/rightful/restore')
  await octopod.becomes('rightful', 'Running')
  await octopod.api('DELETE', '/deployments/rightful')
  await octopod.becomes('rightful', 'Archived')
  await octopod.api('DELETE', '/deployments/rightful/cleanup')
  await octopod.disappears('rightful')
  assert.deepEqual(await contents(staging.name), before)
})
