/** Finds the config key that caused a problem, by the wrong field and its value. Pure. Called by config_check. */

/** The key whose value equals, or is part of, the value of one of the problem's fields; null if there is none. */
export function findKeyByValue({ kind, name, paths, message }, documents, pairs) {
  const matching = documents.filter(
    (document) => document?.kind === kind && (name === undefined || document.metadata?.name === name),
  )
  const values = matching.flatMap((document) => paths.flatMap((path) => valuesAt(document, path)))
  const texts = values.filter((value) => value !== null && value !== undefined).map(String)
  const exact = pairs.find(([, text]) => text !== '' && texts.includes(text))
  const contained = pairs.find(([, text]) => text.length >= 3 && texts.some((value) => value.includes(text)))
  const [, unknown] = /unknown field "(?:[^"]*\.)?([^".]+)"/.exec(message) ?? []
  const named = pairs.find(([key]) => unknown !== undefined && key.split('.').at(-1) === unknown)
  return (named ?? exact ?? contained)?.[0] ?? null
}

/** The key at, above or below a path in the chart's values; null if there is none. */
export function findKeyByPath(path, pairs) {
  const isAt = ([key]) => key === path || key.startsWith(`${path}.`) || key.startsWith(`${path}[`)
  const isAbove = ([key]) => path.startsWith(`${key}.`) || path.startsWith(`${key}[`)
  return (pairs.find(([key]) => key === path) ?? pairs.find(isAt) ?? pairs.find(isAbove))?.[0] ?? null
}

/** All values at a path like `spec.ports[0].port`. Indexes are ignored, because servers do not always report them. */
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
