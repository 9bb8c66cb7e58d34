/**
 * All access to the cluster, through kubectl. References to objects have the shape
 * { apiVersion, kind, namespace, name }.
 */
import { join } from 'node:path'
import { cacheDir } from '../cache-dir.mjs'
import { runCommand } from '../command.mjs'

/** Time limits for one request to the API server, and for a command that may send several. */
const requestSeconds = 15
const defaultTimeoutMs = 45_000
/** The number of kubectl processes that run at the same time. */
const maxConcurrent = 4

export function kubectl(args, { input, timeoutMs = defaultTimeoutMs } = {}) {
  const fullArguments = [...args, `--request-timeout=${requestSeconds}s`]
  return runCommand(process.env.KUBECTL_BIN || 'kubectl', fullArguments, {
    input,
    timeoutMs,
    env: clusterEnvironment(),
  })
}

/** helm and kubectl share their discovery cache. It is not in the home folder, which may be read-only. */
export function clusterEnvironment() {
  return { KUBECACHEDIR: join(cacheDir(), 'kube') }
}

/** Reads the referenced objects. Objects that do not exist are left out. */
export async function getObjects(references) {
  const groups = Map.groupBy(references, ({ namespace }) => namespace)
  const lists = await mapWithLimit([...groups], async ([namespace, objects]) =>
    parseObjects(
      await kubectl([
        'get',
        '-n',
        namespace,
        '--ignore-not-found',
        '-o',
        'json',
        ...objects.map(resourceName),
      ]),
    ),
  )
  return lists.flat()
}

/** Reads the objects of one kind that match a label selector. */
export async function getObjectsByLabel(resource, namespace, selector) {
  return parseObjects(
    await kubectl(['get', resource, '-n', namespace, '-l', selector, '--ignore-not-found', '-o', 'json']),
  )
}

/** Applies a JSON merge patch. */
export function patchObject(object, patch) {
  const args = [
    'patch',
    '-n',
    object.namespace,
    resourceName(object),
    '--type=merge',
    '-p',
    JSON.stringify(patch),
  ]
  return kubectl([...args, '-o', 'name'])
}

/** Calls `work` for every item, at most maxConcurrent at the same time. → the results in order */
export async function mapWithLimit(items, work) {
  const results = new Array(items.length)
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index])
  }
  await Promise.all(Array.from({ length: Math.min(maxConcurrent, items.length) }, worker))
  return results
}

/** kind.group/name, the syntax of kubectl arguments. */
export function resourceName({ apiVersion, kind, name }) {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : ''
  return `${kind.toLowerCase()}${group}/${name}`
}

/** Identifies an object, independent of its API version. */
export const objectKey = (object) => `${resourceName(object)} ${object.namespace}`

/** The reference to a live object. */
export function referenceTo(object) {
  const { name, namespace } = object.metadata
  return { apiVersion: object.apiVersion, kind: object.kind, name, namespace }
}

/** kubectl prints one object, a list, or nothing. → always an array */
function parseObjects(text) {
  if (text.trim() === '') return []
  const parsed = JSON.parse(text)
  return parsed.kind === 'List' || parsed.kind?.endsWith('List') ? (parsed.items ?? []) : [parsed]
}
