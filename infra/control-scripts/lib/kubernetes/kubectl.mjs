/** What the scripts ask of the cluster, all of it through kubectl. Objects are named as { apiVersion, kind, namespace, name }. */
import { join } from 'node:path'
import { cacheRoot } from '../cache-dir.mjs'
import { runCommand } from '../command.mjs'

/** How long one answer of the API server may take, and a command that may ask for several. */
const requestSeconds = 15
const askMs = 45_000
/** How many kubectl run at once. */
const atOnce = 4

export function kubectl(args, { input, timeoutMs = askMs } = {}) {
  const words = [...args, `--request-timeout=${requestSeconds}s`]
  return runCommand(process.env.KUBECTL_BIN || 'kubectl', words, {
    input,
    timeoutMs,
    env: clusterEnvironment(),
  })
}

/** helm and kubectl share what they know of the cluster's kinds; the home folder may not be writable. */
export function clusterEnvironment() {
  return { KUBECACHEDIR: join(cacheRoot(), 'kube') }
}

/** The live objects among the named ones; those that do not exist are left out. */
export async function getObjects(named) {
  const groups = Map.groupBy(named, ({ namespace }) => namespace)
  const lists = await each([...groups], async ([namespace, objects]) =>
    listOf(
      await kubectl(['get', '-n', namespace, '--ignore-not-found', '-o', 'json', ...objects.map(typed)]),
    ),
  )
  return lists.flat()
}

/** Live objects of one kind by label. */
export async function getLabelled(resource, namespace, selector) {
  return listOf(
    await kubectl(['get', resource, '-n', namespace, '-l', selector, '--ignore-not-found', '-o', 'json']),
  )
}

/** Names of pods that are neither done nor failed. */
export async function livePods(namespace, selector) {
  const filter = '--field-selector=status.phase!=Succeeded,status.phase!=Failed'
  const said = await kubectl(['get', 'pods', '-n', namespace, '-l', selector, filter, '-o', 'name'])
  return said.split('\n').filter(Boolean)
}

/** A JSON merge patch. With the object's resourceVersion it fails if somebody was quicker. */
export function patchObject(object, patch) {
  const args = ['patch', '-n', object.namespace, typed(object), '--type=merge', '-p', JSON.stringify(patch)]
  return kubectl([...args, '-o', 'name'])
}

/** `work` for every item, a few at once. */
export async function each(items, work) {
  const results = new Array(items.length)
  let next = 0
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at])
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  return results
}

/** kind.group/name, as kubectl reads it. */
export function typed({ apiVersion, kind, name }) {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : ''
  return `${kind.toLowerCase()}${group}/${name}`
}

/** What identifies an object, whatever its version. */
export const idOf = (object) => `${typed(object)} ${object.namespace}`

/** A live object under the names that we use. */
export function identified(object) {
  const { name, namespace } = object.metadata
  return { apiVersion: object.apiVersion, kind: object.kind, name, namespace }
}

/** One object, a list of them, or nothing at all. */
function listOf(text) {
  if (text.trim() === '') return []
  const answer = JSON.parse(text)
  return answer.kind === 'List' || answer.kind?.endsWith('List') ? (answer.items ?? []) : [answer]
}
