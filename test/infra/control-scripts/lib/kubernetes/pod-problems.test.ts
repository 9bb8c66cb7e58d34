/** The reasons that pods give, read from their status, their events and their logs. kubectl is a fake. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { importModule } from '../../control-scripts.ts'

const { describePodProblems, describeWorkloadFailure } = await importModule<{
  describePodProblems(pods: object[]): Promise<string[]>
  describeWorkloadFailure(object: object, hasPods: boolean): Promise<string[]>
}>('lib/kubernetes/pod-problems.mjs')
const { registerSecret } = await importModule<{ registerSecret(value: string): void }>('lib/secrets.mjs')

const folder = mkdtempSync(join(tmpdir(), 'octopod-pods-'))
const original = process.env.KUBECTL_BIN
before(() => {
  const log = '\\033[31mError:\\033[0m no database\\nat \\tconnect (hunter22)\\n'
  const event = (message: string) =>
    JSON.stringify({ items: [{ message, lastTimestamp: '2026-01-01T00:00:00Z', metadata: {} }] })
  writeFileSync(
    join(folder, 'kubectl'),
    `#!/bin/sh
case "$*" in
  *'logs'*' --previous'*) [ "$2" = one-run ] && exit 1; printf '${log}' ;;
  *'logs'*) printf '${log}' ;;
  *'involvedObject.name=probed,'*) echo '${event('Readiness probe failed: HTTP probe failed with statuscode: 503')}' ;;
  *'involvedObject.name=mounting,'*) echo '${event('MountVolume.SetUp failed for volume "config": configmap "shop" not found')}' ;;
  *'involvedObject.name=store,'*) echo '${event('create Pod store-0 in StatefulSet store failed: exceeded quota: few')}' ;;
  *) echo 'Error from server (Forbidden): no' >&2; exit 1 ;;
esac
`,
    { mode: 0o755 },
  )
  process.env.KUBECTL_BIN = join(folder, 'kubectl')
  registerSecret('hunter22')
})
after(() => {
  if (original === undefined) delete process.env.KUBECTL_BIN
  else process.env.KUBECTL_BIN = original
  rmSync(folder, { recursive: true, force: true })
})

const pod = (name: string, status: object, spec: object = {}) => ({
  metadata: { name, namespace: 'staging' },
  spec,
  status,
})
const waiting = (reason: string, message?: string) => ({
  name: 'web',
  image: 'shop:v9',
  ready: false,
  restartCount: 0,
  state: { waiting: { reason, message } },
})
const running = { name: 'web', image: 'shop:v9', ready: false, started: true, state: { running: {} } }

const cases: [string, object[], string[]][] = [
  [
    'an image that cannot be pulled, once for all pods',
    ['a', 'b', 'c'].map((name) =>
      pod(name, { containerStatuses: [waiting('ImagePullBackOff', 'manifest unknown')] }),
    ),
    [
      'Pod a and 2 more: the image shop:v9 of the container web cannot be pulled: ImagePullBackOff: manifest unknown',
    ],
  ],
  [
    'a crash, with the last lines of the log and without secrets or control characters',
    [
      pod('crashed', {
        containerStatuses: [
          {
            ...waiting('CrashLoopBackOff', 'back-off 5m0s'),
            restartCount: 7,
            lastState: { terminated: { exitCode: 1, reason: 'Error' } },
          },
        ],
      }),
    ],
    [
      'Pod crashed: the container web ended with exit code 1 and was started again 7 times: CrashLoopBackOff',
      '    Error: no database',
      '    at connect (***)',
    ],
  ],
  [
    'a container that used too much memory',
    [
      pod('large', {
        containerStatuses: [
          {
            ...waiting('CrashLoopBackOff'),
            lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
          },
        ],
      }),
    ],
    [
      'Pod large: the container web used more memory than its limit and was killed (OOMKilled) and was started again 0 times: CrashLoopBackOff',
      '    Error: no database',
      '    at connect (***)',
    ],
  ],
  [
    'a job whose container failed',
    [
      pod(
        'one-run',
        {
          phase: 'Failed',
          containerStatuses: [{ name: 'web', state: { terminated: { exitCode: 3, reason: 'Error' } } }],
        },
        { restartPolicy: 'Never' },
      ),
    ],
    [
      'Pod one-run: the container web ended with exit code 3',
      '    Error: no database',
      '    at connect (***)',
    ],
  ],
  [
    'a pod without a node',
    [
      pod('lost', {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/3 nodes are available.',
          },
        ],
      }),
    ],
    ['Pod lost: no node can run it: 0/3 nodes are available.'],
  ],
  [
    'a failing probe',
    [pod('probed', { phase: 'Running', containerStatuses: [running] })],
    [
      'Pod probed: the container web runs, but it is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503',
    ],
  ],
  [
    'a probe without an event',
    [
      pod(
        'unprobed',
        { phase: 'Running', containerStatuses: [{ ...running, started: false }] },
        { containers: [{ name: 'web', startupProbe: {} }] },
      ),
    ],
    ['Pod unprobed: the container web runs, but it is not ready: its startup probe has not succeeded yet'],
  ],
  [
    'a missing volume',
    [pod('mounting', { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] })],
    ['Pod mounting: MountVolume.SetUp failed for volume "config": configmap "shop" not found'],
  ],
  [
    'a missing Secret',
    [pod('config', { containerStatuses: [waiting('CreateContainerConfigError', 'secret "x" not found')] })],
    ['Pod config: the container web does not start: CreateContainerConfigError: secret "x" not found'],
  ],
  [
    'nothing for pods that start, run, have succeeded or are being deleted',
    [
      pod('starts', { phase: 'Pending', containerStatuses: [waiting('ContainerCreating')] }),
      pod('runs', { phase: 'Running', containerStatuses: [{ ...running, ready: true }] }),
      pod('done', { phase: 'Succeeded', containerStatuses: [running] }),
      {
        ...pod('gone', { containerStatuses: [waiting('ImagePullBackOff')] }),
        metadata: { name: 'gone', namespace: 'staging', deletionTimestamp: 'now' },
      },
    ],
    [],
  ],
]
for (const [title, pods, expected] of cases)
  test(`Pods: ${title}`, async () => assert.deepEqual(await describePodProblems(pods), expected))

test('At most four different problems are described', async () => {
  const many = Array.from({ length: 9 }, (_, at) =>
    pod(`p${at}`, { containerStatuses: [{ ...waiting('ErrImagePull'), image: `shop:v${at}` }] }),
  )
  assert.equal((await describePodProblems(many)).length, 4)
})

test('A workload that cannot create pods says why: by its condition, or by the newest warning', async () => {
  const deployment = {
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'staging' },
    status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: few' }] },
  }
  assert.deepEqual(await describeWorkloadFailure(deployment, true), ['Deployment web: exceeded quota: few'])
  const store = { kind: 'StatefulSet', metadata: { name: 'store', namespace: 'staging' }, status: {} }
  assert.deepEqual(await describeWorkloadFailure(store, false), [
    'StatefulSet store: create Pod store-0 in StatefulSet store failed: exceeded quota: few',
  ])
  assert.deepEqual(await describeWorkloadFailure(store, true), [])
})
