/** Access to the test cluster with kubectl and helm. setup.ts has started the cluster and set KUBECONFIG. */
import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { waitFor } from '../helpers/wait-for.ts'

const run = promisify(execFile)
const limits = { timeout: 120_000, maxBuffer: 64 * 1024 * 1024 }

/** Whether the tests have started the cluster themselves, and nobody else uses it. */
export const isOwnCluster = process.env.TEST_KUBERNETES_TOOLS !== undefined

/** The reasons to skip a test on the cluster of KUBECONFIG; all are false on the one of infra/test-cluster. */
export const skips = {
  withoutKwok: isOwnCluster ? false : 'kwok must simulate a problem of a pod',
  withoutOperators: isOwnCluster ? false : 'it installs definitions of operators, which the cluster may have',
  withoutImages: isOwnCluster ? false : 'the images of Octopod must exist in a registry',
  withoutTools: isOwnCluster ? false : 'it starts a control plane of infra/test-cluster',
} as const

const helmByVersion = JSON.parse(process.env.TEST_HELMS ?? '{"4":"helm"}') as Record<string, string>

/** The program of a major version; undefined if this machine does not have it. */
export const helmOfVersion = (version: '3' | '4'): string | undefined => helmByVersion[version]

/** The helm programs to test, the newest first. */
export const helms = ['4', '3'].flatMap((version) => helmByVersion[version] ?? [])

/** The label of the namespaces of a run of the tests; its value is TEST_RUN. */
export const runLabel = 'octopod-test-run'

export async function kubectl(...args: string[]): Promise<string> {
  return (await run('kubectl', ['--request-timeout=30s', ...args], limits)).stdout
}

export async function helm(...args: string[]): Promise<string> {
  return (await run(helms[0] ?? 'helm', args, limits)).stdout
}

export type KubernetesObject = {
  kind: string
  metadata: { name: string; uid: string; labels?: Record<string, string> }
  spec: Record<string, unknown>
  status: Record<string, unknown>
}

/** The objects of `kinds` (kubectl syntax) that match the label selector. */
export async function getObjects(
  namespace: string,
  kinds: string,
  selector = '',
): Promise<KubernetesObject[]> {
  const args = ['get', kinds, `--namespace=${namespace}`, `--selector=${selector}`, '--output=json']
  return (JSON.parse(await kubectl(...args)) as { items: KubernetesObject[] }).items
}

let count = 0

/** Creates a namespace. `remove` deletes it and waits until it is gone with all its objects. */
export async function createNamespace(labels: Record<string, string> = {}) {
  count += 1
  const run = process.env.TEST_RUN ?? 'by-hand'
  const name = `octopod-test-${run}-${process.pid}-${count}`
  await kubectl('create', 'namespace', name)
  for (const [label, value] of Object.entries({ ...labels, [runLabel]: run }))
    await kubectl('label', 'namespace', name, `${label}=${value}`)
  await waitFor('the namespace has its service account', async () => {
    const found = await kubectl('get', 'serviceaccounts', `--namespace=${name}`, '--output=name')
    return { done: found.includes('/default'), value: null, seen: found }
  })
  return { name, remove: () => kubectl('delete', 'namespace', name, '--timeout=90s') }
}

/** What kubectl says of a kind that was deleted after the kinds were read. */
const goneKind = /could not find the requested resource|doesn't have a resource type/

/**
 * All objects of a namespace as kind/name, sorted, without events, leases and metrics. Another test may remove a kind of
 * its own at the same time; then the kinds are read again.
 */
export async function listNamespace(namespace: string): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    const known = await kubectl('api-resources', '--namespaced', '--verbs=list,get', '--output=name')
    const kinds = known
      .split('\n')
      .filter((kind) => kind !== '' && !/^(events|leases|podmetrics)\b/.test(kind))
    try {
      const found = await kubectl('get', kinds.join(','), `--namespace=${namespace}`, '--output=name')
      return found.split('\n').filter(Boolean).sort()
    } catch (error) {
      if (attempt === 10 || !goneKind.test(String(error))) throw error
      await delay(500)
    }
  }
}

/** Deletes a definition that a test has installed. A cluster that ends after the tests can keep it. */
export async function deleteDefinition(name: string): Promise<void> {
  if (!isOwnCluster) await kubectl('delete', 'crd', name, '--ignore-not-found')
}
