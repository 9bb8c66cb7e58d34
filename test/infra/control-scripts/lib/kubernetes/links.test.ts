/** Links of a deployment, found in Ingresses and Gateway API routes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from '../../control-scripts.ts'

type Link = { name: string; host: string; path: string; tls?: boolean; gateways?: { name: string }[] }
const { findLinks } = await importModule<{ findLinks(objects: object[]): Link[] }>('lib/kubernetes/links.mjs')

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
const cases: [string, object[], Partial<Link>[]][] = [
  [
    'each host appears once, with https only if TLS covers it',
    [ingress({ tls: [{ hosts: ['a.b'] }], rules: [rule('a.b', '/'), rule('a.b', '/x'), rule('c.d', '/')] })],
    [
      { host: 'a.b', path: '', tls: true },
      { host: 'c.d', path: '', tls: false },
    ],
  ],
  [
    'TLS for a wildcard domain or for all hosts',
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
    'a single path is part of the link, unless it is a pattern',
    [ingress({ rules: [rule('a.b', '/app/')] }), ingress({ rules: [rule('c.d', '/app(/|$)(.*)')] })],
    [{ path: '/app/' }, { path: '' }],
  ],
  [
    'no link for a rule without a host or with a wildcard host',
    [ingress({ rules: [rule(undefined, '/'), rule('*.a.b', '/')] })],
    [],
  ],
  [
    'an Ingress of the old API group counts, one of a foreign group does not',
    [
      ingress({ rules: [rule('a.b')] }, 'extensions/v1beta1'),
      ingress({ rules: [rule('a.b')] }, 'other.io/v1'),
    ],
    [{ host: 'a.b' }],
  ],
  [
    'a route at a gateway of the same manifests',
    [gateway, route({ parentRefs: [{ name: 'own' }], hostnames: ['a.b.c'] })],
    [{ host: 'a.b.c', tls: true }],
  ],
  [
    'a route at one listener of the gateway',
    [gateway, route({ parentRefs: [{ name: 'own', sectionName: 'plain' }], hostnames: ['a.b.c'] })],
    [{ host: 'a.b.c', tls: false }],
  ],
  [
    'a route at an external gateway, which must be read from the cluster',
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
    'no link for objects without rules',
    [
      ingress({}),
      { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'x' } },
      route({}),
    ],
    [],
  ],
]
for (const [title, objects, expected] of cases)
  test(`Links: ${title}`, () => {
    const found = findLinks(objects)
    assert.equal(found.length, expected.length, JSON.stringify(found))
    for (const [index, part] of expected.entries())
      assert.deepEqual({ ...found[index], ...part }, found[index])
  })
