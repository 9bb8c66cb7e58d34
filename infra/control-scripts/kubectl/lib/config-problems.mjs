/**
 * Finds all problems of a config, one sentence each, starting with the config key if it can be found. Called by
 * config_check.
 */

import { dryRunProblems, withoutDefinedKinds } from '../../lib/kubernetes/dry-run.mjs'
import { findKeyByValue } from '../../lib/kubernetes/find-config-key.mjs'
import { imageProblems } from '../../lib/kubernetes/image.mjs'
import { updateProblems } from '../../lib/kubernetes/immutable-fields.mjs'
import { summarizeManifests } from '../../lib/kubernetes/manifest-summary.mjs'
import { getKnownObjects } from '../../lib/kubernetes/release-pods.mjs'
import { buildManifests, fillPlaceholders, manifestsText, placeholder } from './build-manifests.mjs'

export async function configProblems(request) {
  const documents = await buildManifests(request)
  const manifests = await fillPlaceholders(request, documents)
  const summary = summarizeManifests(manifests, request.namespace)
  const images = imageProblems(summary, [...request.application])
  if (images.length > 0) return images.map(formatProblem)
  const [found, live] = await Promise.all([
    dryRunProblems(manifestsText(manifests), request.namespace),
    getKnownObjects(summary.objects),
  ])
  const created = withoutDefinedKinds(found, summary.definedKinds)
  const options = { fieldManager: 'octopod', format: manifestsText }
  const rejected =
    created.length > 0 ? created : await updateProblems(manifests, live, request.namespace, options)
  // The placeholder in the rejected field shows the key.
  const placeholders = [...request.application.keys()].map((key) => [key, placeholder(key)])
  return rejected.map((problem) =>
    formatProblem({ message: problem.message, key: findKeyByValue(problem, documents, placeholders) }),
  )
}

const formatProblem = ({ key, message }) => (key ? `${key}: ${message}` : message)
