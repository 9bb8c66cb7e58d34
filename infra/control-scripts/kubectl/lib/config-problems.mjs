/** Everything wrong with a config, a sentence each, beginning with the key that is to blame where it can be found. */

import { refusals, unlessOwned } from '../../lib/kubernetes/dry-run.mjs'
import { keyByValue } from '../../lib/kubernetes/find-config-key.mjs'
import { imageProblems } from '../../lib/kubernetes/image.mjs'
import { outlineOf } from '../../lib/kubernetes/manifest-summary.mjs'
import { built, finished, manifestsText, placeholder } from './build-manifests.mjs'

export async function configProblems(request) {
  const documents = await built(request)
  const manifests = await finished(request, documents)
  const outline = outlineOf(manifests, request.namespace)
  const images = imageProblems(outline, [...request.application])
  if (images.length > 0) return images.map(sentence)
  const refused = unlessOwned(await refusals(manifestsText(manifests), request.namespace), outline)
  // The placeholder at the field that was refused names the key.
  const marks = [...request.application.keys()].map((key) => [key, placeholder(key)])
  return refused.map((problem) =>
    sentence({ says: problem.says, key: keyByValue(problem, documents, marks) }),
  )
}

const sentence = ({ key, says }) => (key ? `${key}: ${says}` : says)
