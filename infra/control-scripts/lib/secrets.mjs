/** Masks secret values in everything that the scripts print. The values come from the request and the environment. */

const secretKey = /pass|secret|token|credential|private|api[-_.]?key|auth/i
/** Masking a shorter value would also mask parts of ordinary words. */
const minLength = 4
const secrets = new Set()

function isSecretKey(key) {
  return secretKey.test(key)
}

/** Registers the value as plain text, in base64 (as in a Kubernetes Secret) and escaped as in JSON. */
export function registerSecret(value) {
  if (value === undefined || value.length < minLength) return
  secrets.add(value)
  secrets.add(Buffer.from(value).toString('base64'))
  secrets.add(JSON.stringify(value).slice(1, -1))
}

export function registerSecretsOf(request) {
  for (const config of [request.application, request.deployment])
    for (const [key, value] of config) if (isSecretKey(key)) registerSecret(value)
  registerSecret(process.env.HELM_PASS)
}

export function maskSecrets(text) {
  const longestFirst = [...secrets].sort((first, second) => second.length - first.length)
  return longestFirst.reduce((masked, value) => masked.replaceAll(value, '***'), text)
}
