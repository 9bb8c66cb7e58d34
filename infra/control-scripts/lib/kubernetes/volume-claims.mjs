/** Deletes the volume claims that have the deployment's label, with their data. Called by cleanup. */
import { kubectl } from './kubectl.mjs'

/** A claim is deleted after the last pod that uses it, so this can take a while. */
const deleteTimeoutSeconds = 180

/** Old charts use the label `release` instead of `app.kubernetes.io/instance`. → the names of the deleted claims */
export async function deleteVolumeClaims({ name, namespace }) {
  const selectors = [`app.kubernetes.io/instance=${name}`, `release=${name},heritage in (Helm,Tiller)`]
  const found = []
  for (const selector of selectors) found.push(...(await listVolumeClaims(namespace, selector)))
  const names = [...new Set(found)]
  if (names.length === 0) return names
  await kubectl(
    ['delete', '-n', namespace, '--ignore-not-found', `--timeout=${deleteTimeoutSeconds}s`, ...names],
    {
      timeoutMs: (deleteTimeoutSeconds + 30) * 1000,
    },
  )
  for (const claim of names) console.log(`${claim} is removed.`)
  return names
}

async function listVolumeClaims(namespace, selector) {
  const output = await kubectl([
    'get',
    'persistentvolumeclaims',
    '-n',
    namespace,
    '-l',
    selector,
    '-o',
    'name',
  ])
  return output.split('\n').filter(Boolean)
}
