/** The cluster under test, as a person with kubectl sees it. setup.ts has brought it up and set KUBECONFIG. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { waitFor } from '../helpers/wait-for.ts'

const run = promisify(execFile)
const limits = { timeout: 120_000, maxBuffer: 64 * 1024 * 1024 }

/** Reason to skip what only kwok can play; false on our own cluster. */
export const skipWithoutKwok = process.env.TEST_KUBERNETES_TOOLS ? false : 'only where kwok plays the pods'

/** The helms to test with: ours are Helm 4 and Helm 3, else the one that is there. */
export const helms = process.env.TEST_KUBERNETES_TOOLS ? ['helm', 'helm3'] : [process.env.HELM_BIN || 'helm']

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

/** The objects of `kinds` (as kubectl takes them) with the label selector. */
export async function getObjects(
  namespace: string,
  kinds: string,
  selector = '',
): Promise<KubernetesObject[]> {
  const asked = ['get', kinds, `--namespace=${namespace}`, `--selector=${selector}`, '--output=json']
  return (JSON.parse(await kubectl(...asked)) as { items: KubernetesObject[] }).items
}

let count = 0

/** A namespace of its own; `remove` waits until it is gone with all it holds. */
export async function createNamespace(labels: Record<string, string> = {}) {
  count += 1
  const name = `octopod-test-${process.pid}-${count}`
  await kubectl('create', 'namespace', name)
  for (const [label, value] of Object.entries(labels))
    await kubectl('label', 'namespace', name, `${label}=${value}`)
  await waitFor('the namespace has its service account', async () => {
    const found = await kubectl('get', 'serviceaccounts', `--namespace=${name}`, '--output=name')
    return { done: found.includes('/default'), value: null, seen: found }
  })
  return { name, remove: () => kubectl('delete', 'namespace', name, '--timeout=90s') }
}

/** Everything in a namespace but what tells of the past, as kind/name, sorted. */
export async function listNamespace(namespace: string): Promise<string[]> {
  const known = await kubectl('api-resources', '--namespaced', '--verbs=list,get', '--output=name')
  const kinds = known.split('\n').filter((kind) => kind !== '' && !/^(events|leases|podmetrics)\b/.test(kind))
  const found = await kubectl('get', kinds.join(','), `--namespace=${namespace}`, '--output=name')
  return found.split('\n').filter(Boolean).sort()
}
