/** Shortens the errors of helm to one sentence for each object. Pure. Called by lifecycle.mjs and config-problems.mjs. */
import { readableMessage } from '../../lib/kubernetes/dry-run.mjs'

const maxLength = 600

/** helm prints warnings, prefixes, the object twice and advice about options around the reason. */
export function shortHelmError(text) {
  const [, error = text] = /(?:^|\n)Error: ([\s\S]*)$/.exec(text) ?? []
  const reason = error
    .replace(/\n+Use --debug flag[\s\S]*$/, '')
    .replace(/\n(?:level=|time=|\d{4}[/-]\d\d[/-]\d\d |W\d{4} |I\d{4} )[^\n]*/g, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\d+ errors? occurred:/g, '')
    .replace(/(^|: )\s*\* /g, '$1')
    .replace(/^(?:UPGRADE|INSTALLATION|INSTALL) FAILED: /, '')
  const message = [...new Set(reason.split(' && ').map(shortPart))].join('\n').replace(/ {2,}/g, ' ')
  return message.length > maxLength ? `${message.slice(0, maxLength)}…` : message
}

/** `Kind name: field: reason`, without the second name of the object and without values of many lines. */
function shortPart(text) {
  const part = text
    .trim()
    .replace(/cannot patch "([^"]+)" with kind (\w+): (?=(?:The )?\2[\w.-]* "\1")/, '')
    .replace(/cannot patch "([^"]+)" with kind (\w+): /, '$2 $1: ')
    .replace(/^.*?server-side apply failed for object \S+ \S+ Kind=(\w+): (?=\1)/, '')
    .replace(/Invalid value: (?:[\w.]*\{.*\}|map\[.*\]|\[.*\]): /, '')
    .replace(
      /Forbidden: updates to statefulset spec for fields other than .* are forbidden/,
      'it cannot change after the object was created',
    )
    .replace(/field is immutable/, 'it cannot change after the object was created')
  return readableMessage(part).replace(/^(\w+)(?:\.[\w.-]+)? "([^"]+)" is invalid: /, '$1 $2: ')
}

/** → the sentence for an object that belongs to another release, or null */
export function foreignObjectMessage(text) {
  const pattern =
    /(\w+) "([^"]+)" in namespace "[^"]*" exists and cannot be imported into the current release: invalid ownership metadata; ([\s\S]*)/
  const [, kind, name, details] = pattern.exec(text) ?? []
  if (kind === undefined) return null
  const [, owner] = /release-name" must equal "[^"]*": current value is "([^"]*)"/.exec(details) ?? []
  return foreignObject(kind, name, owner)
}

export function foreignObject(kind, name, owner) {
  return `${kind} ${name} exists already and ${owner ? `belongs to the release ${owner}` : 'was not made by helm'}, so this deployment cannot have it.`
}
