/** What create, update, archive, unarchive and cleanup do; each can be repeated, and goes on where another broke off. */

import { idOf, kubectl, typed } from '../../lib/kubernetes/kubectl.mjs'
import { outlineOf } from '../../lib/kubernetes/manifest-summary.mjs'
import { startWorkloads, stopWorkloads } from '../../lib/kubernetes/scale.mjs'
import { removeClaims } from '../../lib/kubernetes/volume-claims.mjs'
import { built, finished, manifestsText } from './build-manifests.mjs'
import { appliedOutline, forget, inventory } from './inventory.mjs'

const applyMs = 10 * 60 * 1000
const deleteSeconds = 180

/** create and update: returns when the cluster has taken it; check tells when it is up. */
export async function bringUp(request) {
  // First: what is to be, and what was.
  const documents = await finished(request, await built(request))
  const outline = outlineOf(documents, request.namespace)
  const before = await appliedOutline(request)

  // Then: the note of both stands before the first change.
  console.log((await apply(request, [inventory(request, outline, before), ...documents])).trim())
  const wanted = new Set(outline.objects.map(idOf))
  const left = (before?.objects ?? []).filter((object) => !wanted.has(idOf(object)))
  if (left.length > 0) {
    await remove(left, request.namespace)
    await apply(request, [inventory(request, outline, null)])
  }

  // Finally: what an archive that broke off has stopped, an update brings back.
  await startWorkloads(outline)
}

export async function putAway(request) {
  const outline = await appliedOutline(request)
  if (outline === null) return console.log(`Nothing of ${request.name} is there.`)
  const count = await stopWorkloads(outline)
  console.log(
    count > 0 ? `${request.name} is archived; its data is kept.` : `${request.name} was archived already.`,
  )
}

/** Whose create failed so early that nothing was applied gets what create would have given. */
export async function bringBack(request) {
  const outline = await appliedOutline(request)
  if (outline === null) return bringUp(request)
  const count = await startWorkloads(outline)
  console.log(count > 0 ? `${request.name} is started again.` : `${request.name} was not stopped.`)
}

export async function cleanUp(request) {
  const outline = await appliedOutline(request)
  await remove(outline?.objects ?? [], request.namespace)
  const claims = await removeClaims(request)
  await forget(request)
  console.log(
    outline !== null || claims.length > 0
      ? `${request.name} is removed.`
      : `There is nothing left of ${request.name}.`,
  )
}

/** Fields that somebody changed by hand become what is configured. */
function apply({ namespace }, documents) {
  const how = ['--server-side', '--force-conflicts', '--field-manager=octopod', '-o', 'name']
  return kubectl(['apply', ...how, '-n', namespace, '-f', '-'], {
    input: manifestsText(documents),
    timeoutMs: applyMs,
  })
}

async function remove(objects, namespace) {
  if (objects.length === 0) return
  const how = ['-n', namespace, '--ignore-not-found', `--timeout=${deleteSeconds}s`]
  const said = await kubectl(['delete', ...how, ...objects.map(typed), '-o', 'name'], {
    timeoutMs: (deleteSeconds + 30) * 1000,
  })
  for (const name of said.split('\n').filter(Boolean)) console.log(`${name} is removed.`)
}
