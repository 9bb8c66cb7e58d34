/** Readiness of a live workload, read from its status. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from '../../control-scripts.ts'

type Readiness = { ready: boolean; serving: boolean; message: string }
const { readiness } = await importModule<{ readiness(object: object, configured: number): Readiness }>(
  'lib/kubernetes/readiness.mjs',
)

const metadata = { generation: 2 }
/** A Deployment with this replica count and status. */
const pods = (replicas: number, status: object) => ({
  kind: 'Deployment',
  metadata,
  spec: { replicas },
  status,
})
const cases: [string, object, number, Omit<Readiness, 'message'>][] = [
  [
    'a Deployment that is rolled out',
    pods(2, { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }),
    2,
    { ready: true, serving: true },
  ],
  [
    'a Deployment whose status describes an older spec',
    pods(2, { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }),
    2,
    { ready: false, serving: true },
  ],
  [
    'a Deployment whose new pods do not become available',
    pods(2, { observedGeneration: 2, replicas: 3, updatedReplicas: 1, availableReplicas: 2 }),
    2,
    { ready: false, serving: true },
  ],
  [
    'a Deployment whose old pods still run',
    pods(1, { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 2 }),
    1,
    { ready: false, serving: true },
  ],
  [
    'a Deployment that was scaled to zero by hand',
    { kind: 'Deployment', metadata, spec: { replicas: 0 }, status: { observedGeneration: 2 } },
    2,
    { ready: false, serving: false },
  ],
  [
    'a Deployment with zero replicas in the chart',
    { kind: 'Deployment', metadata, spec: { replicas: 0 }, status: { observedGeneration: 2 } },
    0,
    { ready: true, serving: false },
  ],
  [
    'a Deployment that is being deleted',
    {
      kind: 'Deployment',
      metadata: { ...metadata, deletionTimestamp: 'now' },
      spec: {},
      status: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    },
    1,
    { ready: false, serving: false },
  ],
  [
    'a Deployment without a status',
    { kind: 'Deployment', metadata, spec: {} },
    1,
    { ready: false, serving: false },
  ],
  [
    'a StatefulSet during an update',
    {
      kind: 'StatefulSet',
      metadata,
      spec: { replicas: 3 },
      status: {
        observedGeneration: 2,
        readyReplicas: 3,
        availableReplicas: 3,
        updatedReplicas: 1,
        currentRevision: 'a',
        updateRevision: 'b',
      },
    },
    3,
    { ready: false, serving: true },
  ],
  [
    'a StatefulSet whose partition excludes the other pods from the update',
    {
      kind: 'StatefulSet',
      metadata,
      spec: { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } },
      status: {
        observedGeneration: 2,
        readyReplicas: 3,
        availableReplicas: 3,
        updatedReplicas: 1,
        currentRevision: 'a',
        updateRevision: 'b',
      },
    },
    3,
    { ready: true, serving: true },
  ],
  [
    'a StatefulSet with manual updates (OnDelete)',
    {
      kind: 'StatefulSet',
      metadata,
      spec: { replicas: 2, updateStrategy: { type: 'OnDelete' } },
      status: {
        observedGeneration: 2,
        readyReplicas: 2,
        updatedReplicas: 0,
        currentRevision: 'a',
        updateRevision: 'b',
      },
    },
    2,
    { ready: true, serving: true },
  ],
  [
    'a DaemonSet that matches no node',
    {
      kind: 'DaemonSet',
      metadata,
      spec: {},
      status: { observedGeneration: 2, desiredNumberScheduled: 0 },
    },
    1,
    { ready: true, serving: false },
  ],
  [
    'a DaemonSet that is not yet on every node',
    {
      kind: 'DaemonSet',
      metadata,
      spec: {},
      status: {
        observedGeneration: 2,
        desiredNumberScheduled: 3,
        updatedNumberScheduled: 3,
        numberAvailable: 1,
      },
    },
    1,
    { ready: false, serving: true },
  ],
  [
    'a Job that is complete',
    { kind: 'Job', metadata, spec: {}, status: { conditions: [{ type: 'Complete', status: 'True' }] } },
    1,
    { ready: true, serving: false },
  ],
  [
    'a Job that failed',
    { kind: 'Job', metadata, spec: {}, status: { conditions: [{ type: 'Failed', status: 'True' }] } },
    1,
    { ready: false, serving: false },
  ],
  [
    'a Job that is running',
    { kind: 'Job', metadata, spec: {}, status: { active: 1, ready: 1 } },
    1,
    { ready: false, serving: true },
  ],
]
for (const [title, object, configured, expected] of cases)
  test(`Readiness of ${title}: ${JSON.stringify(expected)}`, () => {
    const { ready, serving, message } = readiness(object, configured)
    assert.deepEqual({ ready, serving }, expected)
    assert.equal(message === '', ready, message)
  })
