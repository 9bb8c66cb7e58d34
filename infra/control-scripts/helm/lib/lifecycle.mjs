/** What create, update, archive, unarchive and cleanup do; each can be repeated, and goes on where another broke off. */

import { startWorkloads, stopWorkloads } from '../../lib/kubernetes/scale.mjs'
import { removeClaims } from '../../lib/kubernetes/volume-claims.mjs'
import { masked } from '../../lib/secrets.mjs'
import { install, installedOutline, uninstall } from './release.mjs'

/** create and update: helm returns when the cluster has taken it; check tells when it is up. */
export async function bringUp(request) {
  const said = masked((await install(request)).trim())
  console.log(said)
  // What an archive that broke off has stopped, an update brings back; what is new cannot have been stopped.
  if (!/^Release ".*" does not exist/.test(said)) await startWorkloads(await installedOutline(request))
}

export async function putAway(request) {
  const outline = await installedOutline(request)
  if (outline === null) return console.log(`Nothing of ${request.name} is installed.`)
  const count = await stopWorkloads(outline)
  console.log(
    count > 0 ? `${request.name} is archived; its data is kept.` : `${request.name} was archived already.`,
  )
}

/** Whose create failed so early that nothing is installed gets what create would have given. */
export async function bringBack(request) {
  const outline = await installedOutline(request)
  if (outline === null) return bringUp(request)
  const count = await startWorkloads(outline)
  console.log(count > 0 ? `${request.name} is started again.` : `${request.name} was not stopped.`)
}

export async function remove(request) {
  const wasThere = await uninstall(request)
  const claims = await removeClaims(request)
  console.log(
    wasThere || claims.length > 0
      ? `${request.name} is removed.`
      : `There is nothing left of ${request.name}.`,
  )
}
