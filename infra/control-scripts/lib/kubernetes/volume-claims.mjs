/** The volume claims of a deployment: those that carry its label, and no others. Removed with their data by cleanup. */
import { kubectl } from './kubectl.mjs'

/** They go when the last pod that uses them has gone. */
const waitSeconds = 180

/** Charts of old say `release` where others say `app.kubernetes.io/instance`. → their names */
export async function removeClaims({ name, namespace }) {
  const selectors = [`app.kubernetes.io/instance=${name}`, `release=${name},heritage in (Helm,Tiller)`]
  const found = []
  for (const selector of selectors) found.push(...(await claimsOf(namespace, selector)))
  const names = [...new Set(found)]
  if (names.length === 0) return names
  await kubectl(['delete', '-n', namespace, '--ignore-not-found', `--timeout=${waitSeconds}s`, ...names], {
    timeoutMs: (waitSeconds + 30) * 1000,
  })
  for (const claim of names) console.log(`${claim} is removed.`)
  return names
}

async function claimsOf(namespace, selector) {
  const said = await kubectl(['get', 'persistentvolumeclaims', '-n', namespace, '-l', selector, '-o', 'name'])
  return said.split('\n').filter(Boolean)
}
