import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findFailureHint } from '../../../domain/failures/failure-hints.ts'

/** What programs print, and the sentence that is shown above it. */
const examples: [printed: string, hint: string | null][] = [
  ['Error: image shop:v9 not found', 'Image shop:v9 was not found in the registry.'],
  [
    'Failed to pull image "shop:v9": rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/shop:v9": not found',
    'Image shop:v9 was not found in the registry.',
  ],
  [
    'Error response from daemon: manifest for registry.test/shop:v9 not found: manifest unknown',
    'Image registry.test/shop:v9 was not found in the registry.',
  ],
  [
    'Error response from daemon: pull access denied for shop, repository does not exist or may require docker login',
    'The registry does not allow to pull image shop, or it does not exist.',
  ],
  ['pod shop-1: ImagePullBackOff: Back-off pulling image "shop:v9"', 'Image shop:v9 could not be pulled.'],
  ['Last State: Terminated, Reason: OOMKilled', 'The app used more memory than it may.'],
  [
    'pods "shop-1" is forbidden: exceeded quota: team-a, requested: pods=1, used: pods=10, limited: pods=10',
    'The quota team-a is used up. Archive a deployment, or ask for more.',
  ],
  [
    '0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available',
    'The cluster has no node with enough free capacity for a pod.',
  ],
  ['back-off 5m0s restarting failed container=app', null],
  ['Back-off restarting failed container app in pod shop-1', 'The app ends soon after each start.'],
  ['Readiness probe failed: HTTP probe failed with statuscode: 503', 'The readiness probe of the app fails.'],
  [
    'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress',
    'Helm still has an unfinished operation of this release.',
  ],
  [
    'The Job "migrate" is invalid: spec.template: Invalid value: …: field is immutable',
    'A changed value belongs to a field that cannot change. Create a new deployment for it.',
  ],
  ['Error: INSTALLATION FAILED: namespaces "shop" not found', 'The namespace shop does not exist.'],
  [
    'secrets is forbidden: User "system:serviceaccount:octopod:runner" cannot list resource "secrets" in API group ""',
    'The runner may not list secrets in the cluster (RBAC).',
  ],
  ['error: timed out waiting for the condition on deployments/shop', 'The app was not ready in time.'],
  ['curl: (6) Could not resolve host: charts.test', 'The name of host charts.test could not be resolved.'],
  ['dial tcp 10.0.0.1:443: connect: connection refused', 'A server refused the connection.'],
  [
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    'The certificate of a server is not trusted.',
  ],
  ['write /tmp/x: no space left on device', 'A disk is full.'],
  ['./create: line 3: helm: command not found', 'The program helm is not installed in the runner.'],
  ['./create: 3: helm: not found', 'The program helm is not installed in the runner.'],
  ['503 from /health', null],
  ['', null],
]

for (const [printed, hint] of examples) {
  test(`The hint for: ${printed.slice(0, 70) || 'nothing'}`, () =>
    assert.equal(findFailureHint(printed), hint))
}
