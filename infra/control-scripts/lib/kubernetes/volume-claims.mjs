/**
 * Deletes the volume claims of a deployment with their data, and reports those that an earlier deployment of the same
 * name has left. Called by create and cleanup.
 */
import { getObjects, getObjectsByLabel, kubectl, mapWithLimit, patchObject, referenceTo } from './kubectl.mjs'

/** A claim is deleted after the last pod that uses it, so this can take a while. */
const deleteTimeoutSeconds = 180
/** Marks claims that no other label connects with the deployment. Its value is the deployment's name. */
const cleanupLabel = 'octopod/cleanup'
const keepAnnotation = 'helm.sh/resource-policy'

/**
 * Marks the claims that only the installed manifests connect with the deployment: those of StatefulSets whose selector
 * has no label with the deployment's name. After an interruption, the next cleanup finds the marks.
 */
export async function markVolumeClaims(request, summary) {
  await mapWithLimit(await listStatefulSetClaims(request, summary), (claim) =>
    patchObject(referenceTo(claim), { metadata: { labels: { [cleanupLabel]: request.name } } }),
  )
}

/**
 * Old charts use the label `release` instead of `app.kubernetes.io/instance`. `summary`: the manifests before the
 * removal, or null. → the names of the deleted claims
 */
export async function deleteVolumeClaims(request, summary = null) {
  const claims = await findClaims(request)
  const names = claims.map(({ metadata }) => `persistentvolumeclaim/${metadata.name}`)
  if (names.length > 0)
    await kubectl(
      [
        'delete',
        '-n',
        request.namespace,
        '--ignore-not-found',
        `--timeout=${deleteTimeoutSeconds}s`,
        ...names,
      ],
      {
        timeoutMs: (deleteTimeoutSeconds + 30) * 1000,
      },
    )
  for (const claim of names) console.log(`${claim} is removed.`)
  await reportKeptClaims(summary)
  return names
}

/** create: says which data of an earlier deployment the new one uses. `summary`: the manifests to be installed. */
export async function reportOldClaims(request, summary) {
  const claims = await listStatefulSetClaims(request, summary)
  const known = new Set(claims.map(({ metadata }) => metadata.uid))
  const labelled = (await findClaims(request)).filter(({ metadata }) => !known.has(metadata.uid))
  for (const { metadata } of [...claims, ...labelled])
    console.log(
      `persistentvolumeclaim/${metadata.name} is there already, from ${metadata.creationTimestamp}. The data of an earlier deployment ${request.name} is in it.`,
    )
}

async function findClaims({ name, namespace }) {
  const selectors = [
    `app.kubernetes.io/instance=${name}`,
    `release=${name},heritage in (Helm,Tiller)`,
    `${cleanupLabel}=${name}`,
  ]
  const found = await mapWithLimit(selectors, (selector) =>
    getObjectsByLabel('persistentvolumeclaims', namespace, selector),
  )
  return [...new Map(found.flat().map((claim) => [claim.metadata.uid, claim])).values()]
}

/** Claims of the chart with `helm.sh/resource-policy: keep` stay, which the chart's author wants. */
async function reportKeptClaims(summary) {
  const references = (summary?.objects ?? []).filter(({ kind }) => kind === 'PersistentVolumeClaim')
  for (const { metadata } of await getObjects(references))
    if (!metadata.deletionTimestamp)
      console.log(
        `persistentvolumeclaim/${metadata.name} stays with its data${metadata.annotations?.[keepAnnotation] === 'keep' ? `, because of ${keepAnnotation}` : ''}.`,
      )
}

/**
 * The claims of the StatefulSets in the manifests: `template-statefulset-number`. A claim with the label of another
 * deployment is not one of them.
 */
async function listStatefulSetClaims({ name, namespace }, summary) {
  const prefixes = (summary?.workloads ?? [])
    .filter((workload) => workload.namespace === namespace)
    .flatMap((workload) => (workload.claims ?? []).map((claim) => `${claim}-${workload.name}-`))
  if (prefixes.length === 0) return []
  const isOwn = ({ metadata }) => {
    const instance = metadata.labels?.['app.kubernetes.io/instance'] ?? name
    const isNumbered = (prefix) =>
      metadata.name.startsWith(prefix) && /^\d+$/.test(metadata.name.slice(prefix.length))
    return instance === name && prefixes.some(isNumbered)
  }
  return (await getObjectsByLabel('persistentvolumeclaims', namespace, '')).filter(isOwn)
}
