/**
 * Implements create, update, archive, unarchive and cleanup. Each can be repeated and continues after an interruption.
 */

import { UserError } from '../../lib/arguments.mjs'
import { CommandError } from '../../lib/command.mjs'
import { deleteHooks, startDeployment, stopDeployment } from '../../lib/kubernetes/archive.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { startWorkloads } from '../../lib/kubernetes/scale.mjs'
import { deleteVolumeClaims, markVolumeClaims, reportOldClaims } from '../../lib/kubernetes/volume-claims.mjs'
import { deleteBlockedPods, readPodProblems, withPodReports } from '../../lib/kubernetes/watch-pods.mjs'
import { maskSecrets } from '../../lib/secrets.mjs'
import { shortHelmError } from './helm-errors.mjs'
import {
  configuredSummary,
  installedObjects,
  installedSummary,
  uninstallRelease,
  upgradeRelease,
} from './release.mjs'

/**
 * create and update: returns when the cluster has accepted the release. The check script reports when it is ready. While
 * helm waits, for a hook or with --wait, the problems of the pods are printed.
 */
export async function install(request) {
  const before = await installedSummary(request)
  if (before === null) await reportOldClaims(request, await configuredSummary(request))
  const readProblems = () => readPodProblems(request, () => installedSummary(request))
  await withPodReports(readProblems, async (podProblems) => {
    try {
      console.log(maskSecrets((await upgradeRelease(request)).trim()))
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      // The output has the whole text of helm, and stderr one sentence and the reasons of the pods.
      console.log(error.stderr)
      throw new UserError([shortHelmError(error.message), ...(await podProblems())].join('\n'))
    }
  })
  if (before === null) return
  // An interrupted archive may have stopped workloads of an existing release.
  const summary = await installedSummary(request)
  await startWorkloads(summary)
  await deleteBlockedPods(summary)
}

export async function scaleDown(request) {
  const summary = await installedSummary(request)
  const count = await stopDeployment(request, summary)
  if (count > 0) console.log(`${request.name} is archived; its data is kept.`)
  else console.log(`${request.name} ${summary === null ? 'is not installed' : 'was archived already'}.`)
}

/** unarchive. If nothing is installed, because create failed early, it installs the release. */
export async function scaleUp(request) {
  const summary = await installedSummary(request)
  if (summary === null) return install(request)
  const count = await startDeployment(request, summary, (pods) => createObjects(request, pods))
  console.log(count > 0 ? `${request.name} is started again.` : `${request.name} was not stopped.`)
}

export async function uninstall(request) {
  // The claims are marked first, because only the release knows those without the deployment's label.
  const summary = await installedSummary(request)
  if (summary !== null) await markVolumeClaims(request, summary)
  const wasInstalled = await uninstallRelease(request)
  await deleteHooks(summary)
  const deletedClaims = await deleteVolumeClaims(request, summary)
  console.log(
    wasInstalled || deletedClaims.length > 0
      ? `${request.name} is removed.`
      : `${request.name} does not exist.`,
  )
}

async function createObjects(request, references) {
  const documents = await installedObjects(request, references)
  const input = documents.map((document) => JSON.stringify(document)).join('\n---\n')
  console.log((await kubectl(['create', '-n', request.namespace, '-o', 'name', '-f', '-'], { input })).trim())
}
