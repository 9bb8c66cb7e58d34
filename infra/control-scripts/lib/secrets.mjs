/** Masks secret values in everything that the scripts print. The values come from the request and the environment. */

/** As the default of SECRET_KEYS in Octopod: compared with the words of the key. */
const secretKey =
  /(?<![^._])([a-z0-9]*(password|passwd|passphrase|secret|token|credential)s?|pass|pwd|dsn|(api|access|private|signing|encryption)_?keys?)\d*(?![^._])(?![^.]*_(name|ref)s?$)/
const commonWord = /^(true|false|yes|no|on|off|null|none|undefined)$/i
const number = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i
/** Masking a shorter value would also mask parts of ordinary words. */
const minLength = 4
/** For a value whose key only contains a word for a secret. */
const minLengthOfPart = 8
const secrets = new Set()

function isSecret(key, value) {
  if (commonWord.test(value)) return false
  const words = key
    .replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_')
    .replaceAll('-', '_')
    .toLowerCase()
  if (value.length >= minLengthOfPart && !number.test(value)) return secretKey.test(words)
  const last = words.slice(words.lastIndexOf('.') + 1)
  return secretKey.exec(last)?.[0] === last
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
    for (const [key, value] of config) if (isSecret(key, value.trim())) registerSecret(value)
  registerSecret(process.env.HELM_PASS)
}

export function maskSecrets(text) {
  const longestFirst = [...secrets].sort((first, second) => second.length - first.length)
  return longestFirst.reduce((masked, value) => masked.replaceAll(value, '***'), text)
}
