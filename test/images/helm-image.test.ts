/** The runner image for Helm: a restricted container deploys a chart to a real API server, requested over HTTP. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { areToolsBuilt, buildImages } from '../../infra/images/build.ts'
import { openPodman, unsupportedReason } from '../../infra/images/podman.ts'
import { startControlPlane } from '../../infra/test-cluster/control-plane.ts'
import { ensureTools } from '../../infra/test-cluster/tools.ts'
import { createApiClient } from '../helpers/api-client.ts'
import { startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { startContainer, writableFolder } from './containers.ts'

const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers.toReversed()) await close()
})

const reason =
  unsupportedReason() ??
  (areToolsBuilt() ? null : 'the Kubernetes tools are not built (npx node infra/test-cluster/tools.ts)')

test('The Helm image deploys, updates, archives and cleans up a chart', {
  skip: reason ?? false,
}, async () => {
  const tools = await ensureTools(() => {})
  const plane = await startControlPlane(tools)
  closers.push(plane.stop)
  const kubectl = (...args: string[]) =>
    execFileSync(tools.program('kubectl'), [`--kubeconfig=${plane.kubeconfig}`, ...args], {
      encoding: 'utf8',
    })
  kubectl('create', 'namespace', 'staging')

  // A DevOps engineer provides a kubeconfig and a chart.
  const folder = mkdtempSync(join(tmpdir(), 'octopod-test-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, 'kubeconfig'), kubectl('config', 'view', '--raw', '--flatten'), { mode: 0o644 })
  cpSync(join(import.meta.dirname, '../kubernetes/sample-chart'), join(folder, 'sample-chart'), {
    recursive: true,
  })
  const home = writableFolder()
  closers.push(home.remove)

  const podman = openPodman()
  await buildImages(podman, ['helm'], () => {})
  const system = await startSystem({ runner: false })
  closers.push(system.stop)
  const { DATABASE_URL = '', REDIS_URL = '', REDIS_PREFIX = '' } = system.environment
  const runner = startContainer(podman, 'helm', {
    env: {
      ...{ DATABASE_URL, REDIS_URL, REDIS_PREFIX },
      ...{ NAMESPACE: 'staging', BASE_DOMAIN: 'example.com', CHECK_INTERVAL: '1' },
      KUBECONFIG: '/mine/kubeconfig',
      DEFAULTS: JSON.stringify({ chart_name: 'sample-chart', chart_repo_url: 'file:///mine' }),
    },
    mounts: ['--volume', `${folder}:/mine:ro`, '--volume', `${home.folder}:/var/lib/octopod`],
  })
  closers.push(runner.remove)

  const client = createApiClient(system.url)
  const becomes = (status: string) =>
    waitFor(
      `the status is ${status}`,
      async () => {
        const info = await client.fullInfo('boxed')
        const { tag, recorded_status: recorded } = info.status
        const done = tag === 'DeploymentNotPending' && recorded.tag === status
        return { done, value: info, seen: [info.status, info.last_check, runner.logs().slice(-2000)] }
      },
      120_000,
    )
  const image = () =>
    kubectl(
      ...['get', 'deployments', '--namespace=staging', '--output'],
      'jsonpath={.items[*].spec.template.spec.containers[*].image}',
    )
  const empty = { app_overrides: [], deployment_overrides: [] }
  await waitFor(
    'the deployment is created',
    async () => {
      // Until the runner is ready, config_check cannot run.
      const { status, text } = await client.api('POST', '/deployments', { name: 'boxed', ...empty })
      return { done: status === 200, value: null, seen: [text, runner.logs().slice(-2000)] }
    },
    90_000,
  )
  const running = await becomes('Running')
  assert.match(running.metadata[0]?.link ?? '', /boxed\.example\.com/)
  await client.update('boxed', { 'image.tag': '1.37' })
  await becomes('Running')
  assert.match(image(), /:1\.37/)
  await client.archive('boxed')
  await becomes('Archived')
  await client.cleanup('boxed')
  await waitFor('the deployment is deleted', async () => {
    const { status } = await client.api('GET', '/deployments/boxed/full_info')
    return { done: status === 404, value: null, seen: status }
  })
  assert.equal(image(), '')
  assert.equal(runner.stop(), 0)
})
