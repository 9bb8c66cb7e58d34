/**
 * Servers and runners of the last release beside those of this one, one step up and one step down. Actions, a client that
 * retries as octo does, and an open page go on through both.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { statusOf } from '../../../client/action-outcome.ts'
import { delay } from '../../../lib/delay.ts'
import { createApiClient as createOctoClient } from '../../../octo/api/client.ts'
import type { Connection } from '../../../octo/api/types.ts'
import { openPageClient } from '../../fault/harness/page-client.ts'
import { adminHeader } from '../../fault/harness/programs.ts'
import { createRandom } from '../../fault/harness/random.ts'
import { createApiClient, getActionId } from '../../helpers/api-client.ts'
import { createEmptyDatabase } from '../../helpers/datastores.ts'
import { startLoadBalancer } from '../../helpers/load-balancer.ts'
import { type Program, type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { complaints } from '../configurations/whole-flow.ts'
import { checkOut, findCommit, lastRelease } from './releases.ts'

const root = join(import.meta.dirname, '../../..')
const { commit, date } = lastRelease
const found = findCommit(commit)

test(`A rolling update from the release of ${date}, and back to it, interrupts nothing`, {
  skip: found === null && `the history of this checkout lacks ${commit}`,
}, async () => {
  const release = await checkOut(found ?? '')
  const database = await createEmptyDatabase()
  try {
    migrate(release.folder, database.url)
    const system = await startSystem({
      code: release.folder,
      env: {
        DATABASE_URL: database.url,
        POWER_AUTHORIZATION_HEADER: adminHeader,
        CHECK_INTERVAL: '1',
        LEASE: '5',
        SHUTDOWN_GRACE: '120',
      },
    })
    try {
      await updateAndGoBack(system, release.folder, database.url)
    } finally {
      await system.stop()
    }
  } finally {
    await database.drop()
    await release.remove()
  }
})

async function updateAndGoBack(system: System, oldCode: string, databaseUrl: string): Promise<void> {
  const urls = [system.url]
  const servers: Program[] = [system.server]
  const runners = [system.runner]
  const started = [system.server, system.runner]
  /** At the newest server. */
  const octopod = () => createApiClient(urls[0] ?? '', adminHeader)
  for (const name of ['long', 'other']) {
    assert.equal((await octopod().create(name)).status, 200)
    await octopod().waitForStatus(name, 'Running')
  }
  const balancer = await startLoadBalancer(urls)
  const page = openPageClient('page', () => urls, createRandom(1))
  const client = startClient(balancer.url)

  /** The earlier programs end after the new ones are ready, while a script of the earlier runner is at work. */
  const replace = async (name: string, code: string) => {
    const file = join(system.dir, `go-${name}`)
    const long = getActionId(await octopod().update('long', { 'behave.update': `wait ${file}` }))
    await octopod().waitForOutput(long, /waiting/)
    const server = await system.startServer({}, code)
    const runner = await system.startRunner({}, code)
    started.push(server, runner)
    await client.anotherRound()
    urls.unshift(server.url)
    urls.pop()
    const stopped = Promise.all([servers.pop()?.stop(), runners.pop()?.stop()])
    servers.push(server)
    runners.push(runner)
    // Only the new runner takes work now.
    await octopod().create(name)
    await octopod().waitForStatus(name, 'Running')
    await client.anotherRound()
    await writeFile(file, '')
    assert.deepEqual(await stopped, [0, 0], 'both programs stop in order')
    const { state, attempt } = await octopod().waitForActionEnd(long)
    assert.deepEqual([state, attempt], ['succeeded', 1], 'the long script was not interrupted')
    await octopod().waitForStatus('long', 'Running')
    await client.anotherRound()
  }

  try {
    migrate(root, databaseUrl)
    await client.anotherRound()
    assert.deepEqual(client.failures, [], 'the last release works with the new schema')
    await replace('up', root)
    await replace('down', oldCode)
    await waitFor('the page shows all deployments', async () => {
      const states = Object.entries(page.recorded().finalState).map(([name, { status }]) => [name, status])
      const seen = Object.fromEntries(states)
      return { done: ['long', 'up', 'down'].every((name) => seen[name] === 'Running'), value: null, seen }
    })
  } finally {
    page.close()
    await client.stop()
    balancer.close()
  }
  assert.deepEqual(client.failures, [])
  for (const program of started) assert.deepEqual(complaints(program), [])
}

/** Runs the migration of a folder with code, as the Job of the chart does. */
function migrate(code: string, databaseUrl: string): void {
  execFileSync(process.execPath, ['db/migrate.ts'], {
    cwd: code,
    env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
    stdio: 'pipe',
  })
}

/** Lists, reads and updates one after the other, with the requests and retries of octo. */
function startClient(url: string) {
  const client = createOctoClient(connectionTo(url))
  const failures: string[] = []
  let rounds = 0
  let isStopped = false
  const attempt = async (what: string, work: () => Promise<unknown>) => {
    await work().catch((error: unknown) => failures.push(`${what}: ${error}`))
  }
  const round = async () => {
    await attempt('list', () => client.call('listDeployments', {}))
    await attempt('full_info', () => client.call('getFullInfo', { params: { name: 'long' } }))
    await attempt('update', async () => {
      const { last_action: before } = await client.call('getFullInfo', { params: { name: 'other' } })
      await client.call('updateDeployment', {
        params: { name: 'other' },
        body: { app_overrides: [], deployment_overrides: [] },
      })
      await waitFor('the update has ended', async () => {
        const info = await client.call('getFullInfo', { params: { name: 'other' } })
        const isNew = info.last_action?.action_id !== before?.action_id
        return { done: isNew && statusOf(info) === 'Running', value: null, seen: info }
      })
    })
    rounds += 1
  }
  const running = (async () => {
    while (!isStopped) {
      await round()
      await delay(20)
    }
  })()
  return {
    failures,
    /** Resolves when a round that begins now has ended. */
    async anotherRound() {
      const from = rounds
      await waitFor('the client goes on', async () => ({
        done: rounds >= from + 2,
        value: null,
        seen: rounds,
      }))
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}

const connectionTo = (url: string): Connection => ({
  origin: url,
  prefix: '',
  serverAddress: url,
  authorization: adminHeader,
  isLogin: false,
  idTokenSource: null,
  missingIdToken: null,
  requester: { actor: null, source: 'octo', ciRun: null },
  proxies: { http: null, https: null, noProxy: '' },
  proxyHost: null,
  caFile: null,
  retries: 5,
  urlSource: 'a test',
  credentialSource: 'a test',
})
