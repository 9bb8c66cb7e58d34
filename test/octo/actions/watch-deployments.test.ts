/** What octo watch reports of lists that do not follow each other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchDeployments } from '../../../octo/actions/watch-deployments.ts'
import { createApiClient } from '../../../octo/api/client.ts'
import { readConnection } from '../../../octo/api/connection.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'
import { fakeServer } from '../fake-server.ts'

test('A list replaces newer revisions, after a failover that lost transactions, and removes what it lacks', async (t) => {
  const lists = [
    [sampleDeployment({ name: 'shop', revision: 12 }), sampleDeployment({ name: 'site', revision: 7 })],
    [sampleDeployment({ name: 'shop', revision: 4 })],
  ]
  const { url } = await fakeServer(t, {
    'GET /api/v1/deployments': () => ({ body: lists.length > 1 ? lists.shift() : lists[0] }),
  })
  const client = createApiClient(readConnection({ OCTOPOD_URL: url, OCTO_AUTHORIZATION_HEADER: 'Bearer x' }))
  t.after(() => client.close())
  const changes: string[] = []
  const shown: (number | undefined)[] = []
  const ended = new Error('seen')
  const watching = watchDeployments(client, {
    deadlineMs: Number.POSITIVE_INFINITY,
    pollIntervalMs: { live: 20, offline: 20 },
    onChange: async ({ type, name, revision }) => void changes.push(`${type} ${name} ${revision}`),
    onUpdate: async (deployments) => {
      shown.push(deployments?.length)
      if (changes.some((change) => change.startsWith('deleted'))) throw ended
    },
  })
  await assert.rejects(watching, ended)
  assert.deepEqual(changes, [
    'deployment site 7',
    'deployment shop 12',
    'deployment shop 4',
    'deleted site 8',
  ])
  assert.equal(shown.at(-1), 1)
})
