import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDeploymentStore } from '../../../web/live/deployment-store.ts'
import { announceStatuses } from '../../../web/live/status-announcer.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

describe('announcements for screen readers', () => {
  it('Changed statuses are named together, many are counted, and other changes are silent', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const store = createDeploymentStore()
    store.upsertMany(
      [sampleDeployment({ name: 'shop' }), sampleDeployment({ name: 'blog' })],
      store.snapshotToken(),
    )
    const heard: string[] = []
    const stop = announceStatuses(
      store,
      (name) => name !== 'other',
      (text) => heard.push(text),
    )
    let revision = 1
    const change = (options: Parameters<typeof sampleDeployment>[0] & { name: string }) => {
      revision += 1
      store.apply({
        type: 'deployment',
        name: options.name,
        revision,
        deployment: sampleDeployment({ revision, ...options }),
      })
    }
    change({ name: 'shop', app: { 'image.tag': 'v2' } })
    change({ name: 'other', status: 'GenericFailure' })
    context.mock.timers.tick(2000)
    assert.deepEqual(heard, [])
    change({ name: 'shop', status: 'UpdatePending' })
    change({ name: 'shop', status: 'GenericFailure' })
    store.apply({ type: 'deleted', name: 'blog', revision: 99 })
    context.mock.timers.tick(1000)
    assert.deepEqual(heard.splice(0), ['shop: Failing. blog: Deleted.'])
    for (const name of ['a', 'b', 'c', 'd']) change({ name })
    context.mock.timers.tick(1000)
    assert.deepEqual(heard, ['4 deployments changed their status.'])
    stop()
  })
})
