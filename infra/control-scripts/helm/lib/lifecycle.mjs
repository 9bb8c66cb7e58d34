/**
 * Implements create, update, archive, unarchive and cleanup. Each can be repeated and continues after an interruption.
 */

import { startWorkloads, stopWorkloads } from '../../lib/kubernetes/scale.mjs'
import { deleteVolumeClaims } from '../../lib/kubernetes/volume-claims.mjs'
import { maskSecrets } from '../../lib/secrets.mjs'
import { installedSummary, uninstallRelease, upgradeRelease } from './release.mjs'

/** create and update: returns when the cluster has accepted the release. The check script reports when it is ready. */
export async function install(request) {
  const output = maskSecrets((await upgradeRelease(request)).trim())
  console.log(output)
  // An interrupted archive may have stopped workloads of an existing release.
  if (!/^Release ".*" does not exist/.test(output)) await startWorkloads(await installedSummary(request))
}

export async function scaleDown(request) {
  const summary = await installedSummary(request)
  if (summary === null) return console.log(`${request.name} is not installed.`)
  const count = await stopWorkloads(summary)
  console.log(
    count > 0 ? `${request.name} is archived; its data is kept.` : `${request.name} was archived already.`,
  )
}

/** unarchive. If nothing is installed, because create failed early, it installs the release. */
export async function scaleUp(request) {
  const summary = await installedSummary(request)
  if (summary === null) return install(request)
  const count = await startWorkloads(summary)
  console.log(count > 0 ? `${request.name} is started again.` : `${request.name} was not stopped.`)
}

export async function uninstall(request) {
  const wasInstalled = await uninstallRelease(request)
  const deletedClaims = await deleteVolumeClaims(request)
  console.log(
    wasInstalled || deletedClaims.length > 0
      ? `${request.name} is removed.`
      : `${request.name} does not exist.`,
  )
}
