/**
 * Implements create, update, archive, unarchive and cleanup. Each can be repeated and continues after an interruption.
 */

import { startDeployment, stopDeployment } from '../../lib/kubernetes/archive.mjs'
import { kubectl, objectKey, resourceName } from '../../lib/kubernetes/kubectl.mjs'
import { summarizeManifests } from '../../lib/kubernetes/manifest-summary.mjs'
import { startWorkloads } from '../../lib/kubernetes/scale.mjs'
import { deleteVolumeClaims, markVolumeClaims, reportOldClaims } from '../../lib/kubernetes/volume-claims.mjs'
import { deleteBlockedPods } from '../../lib/kubernetes/watch-pods.mjs'
import { buildManifests, fillPlaceholders, manifestsText } from './build-manifests.mjs'
import { appliedSummary, deleteInventory, inventoryConfigMap } from './inventory.mjs'

const applyTimeoutMs = 10 * 60 * 1000
const deleteTimeoutSeconds = 180

/**
 * create and update: returns when the cluster has accepted the manifests. The check script reports when they are ready.
 */
export async function install(request) {
  // 1. Build the new manifests and read the previous ones.
  const documents = await fillPlaceholders(request, await buildManifests(request))
  const summary = summarizeManifests(documents, request.namespace)
  const previous = await appliedSummary(request)
  if (previous === null) await reportOldClaims(request, summary)

  // 2. Store the inventory of both before the first change, then apply and delete obsolete objects.
  console.log((await apply(request, [inventoryConfigMap(request, summary, previous), ...documents])).trim())
  const expected = new Set(summary.objects.map(objectKey))
  const obsolete = (previous?.objects ?? []).filter((object) => !expected.has(objectKey(object)))
  if (obsolete.length > 0) {
    await deleteObjects(obsolete, request.namespace)
    await apply(request, [inventoryConfigMap(request, summary, null)])
  }

  // 3. Start workloads that an interrupted archive has stopped, and end pods that block the update.
  await startWorkloads(summary)
  if (previous !== null) await deleteBlockedPods(summary)
}

export async function scaleDown(request) {
  const summary = await appliedSummary(request)
  const count = await stopDeployment(request, summary)
  if (count > 0) console.log(`${request.name} is archived; its data is kept.`)
  else console.log(`${request.name} ${summary === null ? 'is not installed' : 'was archived already'}.`)
}

/** unarchive. If nothing was applied, because create failed early, it applies the manifests. */
export async function scaleUp(request) {
  const summary = await appliedSummary(request)
  if (summary === null) return install(request)
  const count = await startDeployment(request, summary, (pods) => applyObjects(request, pods))
  console.log(count > 0 ? `${request.name} is started again.` : `${request.name} was not stopped.`)
}

export async function uninstall(request) {
  const summary = await appliedSummary(request)
  // The claims are marked first, because the list of objects is the only way to find some of them.
  if (summary !== null) await markVolumeClaims(request, summary)
  await deleteObjects(summary?.objects ?? [], request.namespace)
  const deletedClaims = await deleteVolumeClaims(request, summary)
  await deleteInventory(request)
  console.log(
    summary !== null || deletedClaims.length > 0
      ? `${request.name} is removed.`
      : `${request.name} does not exist.`,
  )
}

/** Applies some of the manifests, such as the pods that an archive has deleted. */
async function applyObjects(request, references) {
  const documents = await fillPlaceholders(request, await buildManifests(request))
  const names = new Set(references.map(({ kind, name }) => `${kind}/${name}`))
  const wanted = documents.filter(({ kind, metadata }) => names.has(`${kind}/${metadata?.name}`))
  if (wanted.length > 0) console.log((await apply(request, wanted)).trim())
}

/** Server-side apply. It overwrites fields that were changed by hand. */
function apply({ namespace }, documents) {
  const options = ['--server-side', '--force-conflicts', '--field-manager=octopod', '-o', 'name']
  return kubectl(['apply', ...options, '-n', namespace, '-f', '-'], {
    input: manifestsText(documents),
    timeoutMs: applyTimeoutMs,
  })
}

async function deleteObjects(objects, namespace) {
  if (objects.length === 0) return
  const options = ['-n', namespace, '--ignore-not-found', `--timeout=${deleteTimeoutSeconds}s`]
  const output = await kubectl(['delete', ...options, ...objects.map(resourceName), '-o', 'name'], {
    timeoutMs: (deleteTimeoutSeconds + 30) * 1000,
  })
  for (const name of output.split('\n').filter(Boolean)) console.log(`${name} is removed.`)
}
