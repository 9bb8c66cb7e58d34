/**
 * Stores in a ConfigMap which objects were applied for a deployment. update, archive and cleanup need the list, because
 * the manifests may have changed since. Called by lifecycle.mjs and archive_check.
 */
import { getObjects, kubectl, objectKey } from '../../lib/kubernetes/kubectl.mjs'
import { instanceLabel } from './build-manifests.mjs'

const configMapReference = ({ name, namespace }) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace,
  name: `${name}-octopod`,
})

/** The summary of the applied manifests; null if nothing was applied. */
export async function appliedSummary(request) {
  const [found] = await getObjects([configMapReference(request)])
  return found === undefined ? null : JSON.parse(found.data.summary)
}

/** The ConfigMap object. `previous`: objects of the last apply, which an interrupted update may leave behind. */
export function inventoryConfigMap(request, summary, previous) {
  const { apiVersion, kind, name, namespace } = configMapReference(request)
  const known = new Set(summary.objects.map(objectKey))
  const objects = [
    ...summary.objects,
    ...(previous?.objects ?? []).filter((object) => !known.has(objectKey(object))),
  ]
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: { [instanceLabel]: request.name, 'app.kubernetes.io/managed-by': 'octopod' },
    },
    data: { summary: JSON.stringify({ ...summary, objects }) },
  }
}

export function deleteInventory(request) {
  const { namespace, name } = configMapReference(request)
  return kubectl(['delete', 'configmap', name, '-n', namespace, '--ignore-not-found'])
}
