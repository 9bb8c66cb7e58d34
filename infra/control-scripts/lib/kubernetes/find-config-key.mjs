/** Which config key a problem comes from: by the field that is wrong and the value that stands there. Pure. */

/** The key whose value stands at one of the problem's fields, or in a text there; null when none does. */
export function keyByValue({ kind, name, paths, says }, documents, pairs) {
  const concerned = documents.filter(
    (document) => document?.kind === kind && (name === undefined || document.metadata?.name === name),
  )
  const values = concerned.flatMap((document) => paths.flatMap((path) => valuesAt(document, path)))
  const texts = values.filter((value) => value !== null && value !== undefined).map(String)
  const exact = pairs.find(([, text]) => text !== '' && texts.includes(text))
  const within = pairs.find(([, text]) => text.length >= 3 && texts.some((value) => value.includes(text)))
  const [, unknown] = /unknown field "(?:[^"]*\.)?([^".]+)"/.exec(says) ?? []
  const named = pairs.find(([key]) => unknown !== undefined && key.split('.').at(-1) === unknown)
  return (named ?? exact ?? within)?.[0] ?? null
}

/** The key that says something at, above or below a place in the values. */
export function keyByPlace(place, pairs) {
  const isAt = ([key]) => key === place || key.startsWith(`${place}.`) || key.startsWith(`${place}[`)
  const isAbove = ([key]) => place.startsWith(`${key}.`) || place.startsWith(`${key}[`)
  return (pairs.find(([key]) => key === place) ?? pairs.find(isAt) ?? pairs.find(isAbove))?.[0] ?? null
}

/** All values at a path like `spec.ports[0].port`; lists are looked at as a whole, servers do not always say which. */
function valuesAt(document, path) {
  let found = [document]
  for (const step of path.replace(/\[[^\]]*\]/g, '').split('.'))
    found = found
      .flat()
      .flatMap((value) => (value !== null && typeof value === 'object' && step in value ? [value[step]] : []))
  return found.flatMap(leaves)
}

function leaves(value) {
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(leaves) : [value]
}
