/** How the scripts for Kubernetes read what is there: readiness, links, images, the key that is to blame. Without a cluster. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from '../../control-scripts.ts'

type Readiness = { ready: boolean; serving: boolean; says: string }
type Link = { name: string; host: string; path: string; tls?: boolean; gateways?: { name: string }[] }
type Problem = { kind?: string; name?: string; paths: string[]; says: string }
const { readiness } = await importModule<{ readiness(object: object, configured: number): Readiness }>(
  'lib/ready.mjs',
)
const { linksOf } = await importModule<{ linksOf(objects: object[]): Link[] }>('lib/links.mjs')
const { tagOf } = await importModule<{ tagOf(image: string): string }>('lib/image.mjs')
const { keyByValue, keyByPlace } = await importModule<{
  keyByValue(problem: Problem, documents: object[], pairs: [string, string][]): string | null
  keyByPlace(place: string, pairs: [string, string][]): string | null
}>('lib/blame.mjs')
const { keepSecret, masked } = await importModule<{
  keepSecret(value: string): void
  masked(text: string): string
}>('lib/secrets.mjs')
const { readDocuments } = await importModule<{
  readDocuments(text: string, what: string): Promise<unknown[]>
}>('lib/yaml.mjs')

const seen = { generation: 2 }
/** A Deployment that wants so many pods, and what its controller says of them. */
const pods = (replicas: number, status: object) => ({
  kind: 'Deployment',
  metadata: seen,
  spec: { replicas },
  status,
})
const judged: [string, object, number, Omit<Readiness, 'says'>][] = [
  [
    'a rolled out Deployment',
    pods(2, { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }),
    2,
    { ready: true, serving: true },
  ],
  [
    'one that its controller has not seen since it changed',
    pods(2, { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }),
    2,
    { ready: false, serving: true },
  ],
  [
    'one whose new pods do not come up',
    pods(2, { observedGeneration: 2, replicas: 3, updatedReplicas: 1, availableReplicas: 2 }),
    2,
    { ready: false, serving: true },
  ],
  [
    'one whose old pods still run',
    pods(1, { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 2 }),
    1,
    { ready: false, serving: true },
  ],
  [
    'one that somebody scaled to zero',
    { kind: 'Deployment', metadata: seen, spec: { replicas: 0 }, status: { observedGeneration: 2 } },
    2,
    { ready: false, serving: false },
  ],
  [
    'one that is zero in the chart',
    { kind: 'Deployment', metadata: seen, spec: { replicas: 0 }, status: { observedGeneration: 2 } },
    0,
    { ready: true, serving: false },
  ],
  [
    'one that is being deleted',
    {
      kind: 'Deployment',
      metadata: { ...seen, deletionTimestamp: 'now' },
      spec: {},
      status: { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    },
    1,
    { ready: false, serving: false },
  ],
  [
    'one without a status',
    { kind: 'Deployment', metadata: seen, spec: {} },
    1,
    { ready: false, serving: false },
  ],
  [
    'a StatefulSet in the middle of an update',
    {
      kind: 'StatefulSet',
      metadata: seen,
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
    'one whose partition holds the rest back',
    {
      kind: 'StatefulSet',
      metadata: seen,
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
    'one that is updated by hand',
    {
      kind: 'StatefulSet',
      metadata: seen,
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
    'a DaemonSet that no node wants',
    {
      kind: 'DaemonSet',
      metadata: seen,
      spec: {},
      status: { observedGeneration: 2, desiredNumberScheduled: 0 },
    },
    1,
    { ready: true, serving: false },
  ],
  [
    'a DaemonSet that is not everywhere yet',
    {
      kind: 'DaemonSet',
      metadata: seen,
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
    'a Job that is done',
    { kind: 'Job', metadata: seen, spec: {}, status: { conditions: [{ type: 'Complete', status: 'True' }] } },
    1,
    { ready: true, serving: false },
  ],
  [
    'a Job that failed',
    { kind: 'Job', metadata: seen, spec: {}, status: { conditions: [{ type: 'Failed', status: 'True' }] } },
    1,
    { ready: false, serving: false },
  ],
  [
    'a Job at work',
    { kind: 'Job', metadata: seen, spec: {}, status: { active: 1, ready: 1 } },
    1,
    { ready: false, serving: true },
  ],
]
for (const [what, object, configured, expected] of judged)
  test(`readiness of ${what}: ${JSON.stringify(expected)}`, () => {
    const { ready, serving, says } = readiness(object, configured)
    assert.deepEqual({ ready, serving }, expected)
    assert.equal(says === '', ready, says)
  })

const ingress = (spec: object, apiVersion = 'networking.k8s.io/v1') => ({
  apiVersion,
  kind: 'Ingress',
  metadata: { name: 'web' },
  spec,
})
const rule = (host: string | undefined, ...paths: string[]) => ({
  host,
  http: { paths: paths.map((path) => ({ path })) },
})
const route = (spec: object) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'route' },
  spec,
})
const gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'own' },
  spec: {
    listeners: [
      { name: 'plain', protocol: 'HTTP', port: 80 },
      { name: 'secure', protocol: 'HTTPS', port: 443, hostname: '*.b.c' },
    ],
  },
}
const linked: [string, object[], Partial<Link>[]][] = [
  [
    'each host once, TLS for those that have it',
    [ingress({ tls: [{ hosts: ['a.b'] }], rules: [rule('a.b', '/'), rule('a.b', '/x'), rule('c.d', '/')] })],
    [
      { host: 'a.b', path: '', tls: true },
      { host: 'c.d', path: '', tls: false },
    ],
  ],
  [
    'TLS for a whole domain, or for all hosts',
    [
      ingress({ tls: [{ hosts: ['*.b.c'] }], rules: [rule('a.b.c', '/')] }),
      ingress({ tls: [{ secretName: 'x' }], rules: [rule('a.b', '/')] }),
    ],
    [
      { host: 'a.b.c', tls: true },
      { host: 'a.b', tls: true },
    ],
  ],
  [
    'the only path, unless it is a pattern',
    [ingress({ rules: [rule('a.b', '/app/')] }), ingress({ rules: [rule('c.d', '/app(/|$)(.*)')] })],
    [{ path: '/app/' }, { path: '' }],
  ],
  [
    'no place to go for all hosts or a pattern of hosts',
    [ingress({ rules: [rule(undefined, '/'), rule('*.a.b', '/')] })],
    [],
  ],
  [
    'an Ingress of old, and none of another group',
    [
      ingress({ rules: [rule('a.b')] }, 'extensions/v1beta1'),
      ingress({ rules: [rule('a.b')] }, 'other.io/v1'),
    ],
    [{ host: 'a.b' }],
  ],
  [
    'a route at a gateway that comes along',
    [gateway, route({ parentRefs: [{ name: 'own' }], hostnames: ['a.b.c'] })],
    [{ host: 'a.b.c', tls: true }],
  ],
  [
    'a route at one of its listeners',
    [gateway, route({ parentRefs: [{ name: 'own', sectionName: 'plain' }], hostnames: ['a.b.c'] })],
    [{ host: 'a.b.c', tls: false }],
  ],
  [
    'a route at a gateway of others, who has to be asked',
    [route({ parentRefs: [{ name: 'theirs', namespace: 'x' }], hostnames: ['a.b'] })],
    [
      {
        host: 'a.b',
        gateways: [
          { name: 'theirs', namespace: 'x', sectionName: undefined, port: undefined } as { name: string },
        ],
      },
    ],
  ],
  [
    'what has no rules',
    [
      ingress({}),
      { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'x' } },
      route({}),
    ],
    [],
  ],
]
for (const [what, objects, expected] of linked)
  test(`links: ${what}`, () => {
    const found = linksOf(objects)
    assert.equal(found.length, expected.length, JSON.stringify(found))
    for (const [at, part] of expected.entries()) assert.deepEqual({ ...found[at], ...part }, found[at])
  })

test('the tag of an image is what stands behind the last colon of its last part, or its digest', () => {
  const tags: [string, string][] = [
    ['nginx', 'latest'],
    ['nginx:1', '1'],
    ['a.b:5000/nginx', 'latest'],
    ['a.b:5000/x/nginx:1.2', '1.2'],
    ['nginx:1@sha256:abc', 'sha256:abc'],
  ]
  for (const [image, tag] of tags) assert.equal(tagOf(image), tag, image)
})

test('the key that is to blame stands where the value is wrong, or is named in the field', () => {
  const documents = [
    {
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas: 'two', template: { containers: [{ image: 'x:vv1' }] } },
    },
    { kind: 'Deployment', metadata: { name: 'other' }, spec: { replicas: 'three' } },
  ]
  const pairs: [string, string][] = [
    ['a.name', 'web'],
    ['b.count', 'three'],
    ['c.count', 'two'],
    ['d.tag', 'vv1'],
    ['e.foo', '1'],
  ]
  const about = (paths: string[], says = '', name = 'web') =>
    keyByValue({ kind: 'Deployment', name, paths, says }, documents, pairs)
  assert.equal(about(['spec.replicas']), 'c.count')
  assert.equal(about(['spec.replicas'], '', 'other'), 'b.count')
  assert.equal(about(['spec.template.containers[0].image']), 'd.tag')
  assert.equal(about(['spec.x.foo'], 'unknown field "spec.x.foo"'), 'e.foo')
  assert.equal(about(['spec.nowhere']), null)
  assert.equal(
    keyByPlace('image.tag', [
      ['image.tag.x', '1'],
      ['image', '2'],
    ]),
    'image.tag.x',
  )
  assert.equal(keyByPlace('hosts[0].name', [['hosts[0]', '1']]), 'hosts[0]')
  assert.equal(keyByPlace('a', [['ab', '1']]), null)
})

test('a secret is masked as it is, in base64 and in JSON; short ones would take words apart', () => {
  for (const value of ['pa"ss\nword', 'abc']) keepSecret(value)
  const encoded = Buffer.from('pa"ss\nword').toString('base64')
  assert.equal(
    masked(`1 pa"ss\nword 2 ${encoded} 3 ${JSON.stringify('pa"ss\nword')} abc`),
    '1 *** 2 *** 3 "***" abc',
  )
})

test('YAML is read as Go reads it: octal modes are numbers, times and dates are text', async () => {
  const [value] = await readDocuments(
    '{mode: 0644, time: 12:30, date: 2026-01-01, on: true, version: "1.10", nothing: ~}',
    'it',
  )
  assert.deepEqual(value, {
    mode: 420,
    time: '12:30',
    date: '2026-01-01',
    true: true,
    version: '1.10',
    nothing: null,
  })
  assert.deepEqual(await readDocuments('---\n# nothing\n---\na: 1\n---\n', 'it'), [{ a: 1 }])
  await assert.rejects(
    readDocuments('a: [', 'What the chart renders'),
    /^Error: What the chart renders is not YAML: /,
  )
})
