/**
 * archive and unarchive: stops and starts everything of a deployment that has pods, also what its manifests do not
 * contain: hook jobs that never end, pods without an owner, workloads of operators. Both can be repeated. Called by
 * lifecycle.mjs of helm and kubectl.
 */
import {
  getObjects,
  getObjectsByLabel,
  kubectl,
  mapWithLimit,
  objectKey,
  patchObject,
  referenceTo,
  resourceName,
} from './kubectl.mjs'
import {
  barePods,
  customObjects,
  findActivePods,
  getKnownObjects,
  ownerChain,
  readOwners,
} from './release-pods.mjs'
import { start, startWorkloads, stateAnnotation, stop, stopWorkloads } from './scale.mjs'

/** Marks workloads outside of the manifests, so that unarchive finds them. Its value is the deployment's name. */
const archivedWithLabel = 'octopod/archived-with'
const markedKinds = 'deployments.apps,statefulsets.apps,daemonsets.apps,replicasets.apps,cronjobs.batch'

/** → the number of objects that this call has stopped. `summary` is null if nothing is installed. */
export async function stopDeployment(request, summary) {
  const hooks = await stopHooks(summary)
  const workloads = summary === null ? 0 : await stopWorkloads(summary)
  const custom = await mapWithLimit(await getKnownObjects(customObjects(summary)), stopByScale)
  return hooks + workloads + custom.filter(Boolean).length + (await stopOtherPods(request, summary))
}

/** → the number of objects that this call has started. `createPods` creates the bare pods of the manifests again. */
export async function startDeployment(request, summary, createPods) {
  const custom = await mapWithLimit(await getKnownObjects(customObjects(summary)), startByScale)
  const workloads = await startWorkloads(summary)
  const marked = await getObjectsByLabel(
    markedKinds,
    request.namespace,
    `${archivedWithLabel}=${request.name}`,
  )
  const others = await mapWithLimit(marked, (object) => start(object, 0, { [archivedWithLabel]: null }))
  const pods = await startBarePods(summary, createPods)
  return workloads + pods + [...custom, ...others].filter(Boolean).length
}

/**
 * Hooks run once, so an unfinished one is deleted. The next action of helm creates it again. → the number of deleted
 * hooks
 */
export async function stopHooks(summary) {
  const hooks = (summary?.hooks ?? []).filter(({ kind }) => kind === 'Job' || kind === 'Pod')
  const unfinished = (await getObjects(hooks)).filter(({ status = {} }) => {
    const isFinished = (status.conditions ?? []).some(
      ({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True',
    )
    return !isFinished && !['Succeeded', 'Failed'].includes(status.phase)
  })
  await mapWithLimit(unfinished, (object) => deleteObject(referenceTo(object), 'is an unfinished hook'))
  return unfinished.length
}

/** cleanup: removes the jobs and pods of hooks that have ended, because helm leaves them. */
export async function deleteHooks(summary) {
  const hooks = (summary?.hooks ?? []).filter(({ kind }) => kind === 'Job' || kind === 'Pod')
  await mapWithLimit(await getObjects(hooks), (object) => deleteObject(referenceTo(object), 'is a hook'))
}

/**
 * Ends the pods that remain. A pod whose workload is stopped already ends by itself; otherwise the workload that owns it
 * is stopped, a job is deleted, and a pod without any of them is deleted.
 */
async function stopOtherPods({ name, namespace }, summary) {
  const pods = (await findActivePods({ name, namespace }, summary)).filter(
    ({ metadata }) => !metadata.deletionTimestamp,
  )
  const stopped = new Set((summary?.workloads ?? []).map(objectKey))
  if (pods.length === 0) return 0
  const owners = await readOwners(namespace)
  const targets = new Map()
  for (const pod of pods) {
    const chain = ownerChain(pod.metadata.uid, owners).map((object) => ({
      ...object,
      key: objectKey(object),
    }))
    const job = chain.find(({ kind }) => kind === 'Job')
    const isStopped = chain.some(({ key }) => stopped.has(key)) && (job === undefined || stopped.has(job.key))
    const target = isStopped ? undefined : (job ?? chain.at(-1))
    if (target !== undefined) targets.set(target.key, target)
  }
  const labels = { [archivedWithLabel]: name }
  await mapWithLimit([...targets.values()], async (target) => {
    if (target.kind === 'Job') return deleteObject(target, 'is a job that has not ended')
    if (target.kind === 'Pod') return deleteObject(target, 'has no workload')
    for (const object of await getObjects([target])) await stop(object, labels)
  })
  return targets.size
}

async function startBarePods(summary, createPods) {
  const pods = barePods({ objects: summary.objects })
  if (pods.length === 0) return 0
  const live = new Set((await getObjects(pods)).map((object) => objectKey(referenceTo(object))))
  const missing = pods.filter((pod) => !live.has(objectKey(pod)))
  if (missing.length > 0) await createPods(missing)
  return missing.length
}

/** Custom resources with a scale subresource. Others are stopped by their workloads. */
async function stopByScale(object) {
  const replicas = await scaleOf(object)
  if (replicas === undefined || replicas === 0) return false
  await patchObject(referenceTo(object), {
    metadata: { annotations: { [stateAnnotation]: JSON.stringify(replicas) } },
  })
  await setScale(object, 0)
  console.log(`${object.kind} ${object.metadata.name} is stopped.`)
  return true
}

async function startByScale(object) {
  const saved = object.metadata.annotations?.[stateAnnotation]
  if (saved === undefined) return false
  // An update after a failed archive may have set a count.
  if ((await scaleOf(object)) === 0) await setScale(object, JSON.parse(saved))
  await patchObject(referenceTo(object), { metadata: { annotations: { [stateAnnotation]: null } } })
  console.log(`${object.kind} ${object.metadata.name} is started with ${saved}.`)
  return true
}

/** undefined if the kind has no scale subresource. */
async function scaleOf(object) {
  const { namespace, ...reference } = referenceTo(object)
  try {
    const args = ['get', resourceName(reference), '-n', namespace, '--subresource=scale', '-o', 'json']
    return JSON.parse(await kubectl(args)).spec?.replicas ?? 0
  } catch {
    return undefined
  }
}

function setScale(object, replicas) {
  const { namespace, ...reference } = referenceTo(object)
  return kubectl(['scale', resourceName(reference), '-n', namespace, `--replicas=${replicas}`])
}

async function deleteObject(reference, reason) {
  const options = ['-n', reference.namespace, '--ignore-not-found', '--wait=false']
  await kubectl(['delete', resourceName(reference), ...options])
  console.log(`${reference.kind} ${reference.name} ${reason}; it is deleted.`)
}
