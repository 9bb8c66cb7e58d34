/**
 * What was applied for a deployment, in a ConfigMap beside it: without it nobody knew later what an update has to remove, what
 * an archive has to stop and what a cleanup has to delete, for the manifests may have changed meanwhile.
 */
import { getObjects, idOf, kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { instanceLabel } from './build-manifests.mjs'

const identity = ({ name, namespace }) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace,
  name: `${name}-octopod`,
})

/** The outline of what was applied last; null when nothing was. */
export async function appliedOutline(request) {
  const [found] = await getObjects([identity(request)])
  return found === undefined ? null : JSON.parse(found.data.outline)
}

/** The ConfigMap that says so. `before`: what an apply that breaks off may leave behind as well. */
export function inventory(request, outline, before) {
  const { apiVersion, kind, name, namespace } = identity(request)
  const known = new Set(outline.objects.map(idOf))
  const objects = [
    ...outline.objects,
    ...(before?.objects ?? []).filter((object) => !known.has(idOf(object))),
  ]
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: { [instanceLabel]: request.name, 'app.kubernetes.io/managed-by': 'octopod' },
    },
    data: { outline: JSON.stringify({ ...outline, objects }) },
  }
}

export function forget(request) {
  const { namespace, name } = identity(request)
  return kubectl(['delete', 'configmap', name, '-n', namespace, '--ignore-not-found'])
}
