/** Values that must not be seen: learnt once from the request and the environment, taken out of all that is printed. */

const secretKey = /pass|secret|token|credential|private|api[-_.]?key|auth/i
/** Shorter ones would take letters out of ordinary words. */
const shortest = 4
const known = new Set()

export function isSecretKey(key) {
  return secretKey.test(key)
}

/** Also as it stands in a Secret of Kubernetes. */
export function keepSecret(value) {
  if (value === undefined || value.length < shortest) return
  known.add(value)
  known.add(Buffer.from(value).toString('base64'))
  known.add(JSON.stringify(value).slice(1, -1))
}

export function keepSecretsOf(request) {
  for (const config of [request.application, request.deployment])
    for (const [key, value] of config) if (isSecretKey(key)) keepSecret(value)
  keepSecret(process.env.HELM_PASS)
}

export function masked(text) {
  const longestFirst = [...known].sort((one, other) => other.length - one.length)
  return longestFirst.reduce((rest, value) => rest.replaceAll(value, '***'), text)
}
