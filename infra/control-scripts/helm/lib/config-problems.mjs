/**
 * Everything wrong with a config, a sentence each, beginning with the key that is to blame where it can be found: what cannot
 * be values at all, what the chart refuses, and what the cluster would refuse.
 */
import { Refusal } from '../../lib/arguments.mjs'
import { CommandFailure } from '../../lib/command.mjs'
import { refusals, unlessOwned } from '../../lib/kubernetes/dry-run.mjs'
import { keyByPlace, keyByValue } from '../../lib/kubernetes/find-config-key.mjs'
import { imageProblems } from '../../lib/kubernetes/image.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { configuredOutline, render } from './release.mjs'

/** A user waits 10 seconds at most: this long it may take to find the key by leaving out one after the other. */
const searchMs = 4_000

export async function configProblems(request) {
  const problems = await problemsOf(request)
  if (problems.length === 0 || problems.some(({ key }) => key)) return problems.map(sentence)
  const key = await keyByLeavingOut(request, problems)
  return problems.map((problem) => sentence({ ...problem, key }))
}

/** → [{ key, says }] */
async function problemsOf(request) {
  const pairs = [...request.application]
  let text
  try {
    text = await render(request)
  } catch (error) {
    if (error instanceof CommandFailure) return renderProblems(error.stderr, pairs)
    throw error
  }
  // The longest wait first: the API server thinks while we read.
  const asked = refusals(text, request.namespace)
  asked.catch(() => {})
  const outline = await configuredOutline(request, text)
  const images = imageProblems(outline, pairs)
  if (images.length > 0) return images
  const refused = unlessOwned(await asked, outline)
  if (refused.length === 0) return []
  const documents = await readDocuments(text, 'What the chart renders')
  return refused.map((problem) => ({ says: problem.says, key: keyByValue(problem, documents, pairs) }))
}

/** What helm says about the chart's schema, or about a template. */
function renderProblems(stderr, pairs) {
  const schema = [...stderr.matchAll(/^- (?:at '([^']*)'|([\w.[\]-]+)): (.+)$/gm)]
  if (schema.length > 0)
    return schema.map(([, pointer, dotted, says]) => {
      const place = dotted ?? placeOf(pointer)
      return { key: keyByPlace(place, pairs) ?? (place || null), says }
    })
  if (
    /(?:connection refused|cluster unreachable|no such host|i\/o timeout|Unauthorized|forbidden)/i.test(
      stderr,
    )
  )
    throw new Refusal(stderr)
  const places = [...stderr.matchAll(/\.Values\.([\w.]+)/g)].map(([, place]) => keyByPlace(place, pairs))
  return [{ key: places.find(Boolean) ?? null, says: shortened(stderr) }]
}

/** Leaves out one key after the other until the first problem is gone. */
async function keyByLeavingOut(request, [first]) {
  const endsAt = Date.now() + searchMs
  for (const [key] of [...request.application].reverse()) {
    if (Date.now() > endsAt) return null
    const application = new Map(request.application)
    application.delete(key)
    const left = await problemsOf({ ...request, application }).catch(() => [first])
    if (!left.some(({ says }) => says === first.says)) return key
  }
  return null
}

const sentence = ({ key, says }) => (key ? `${key}: ${says}` : says)
const placeOf = (pointer) =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')

/** The error itself, without helm's advice. */
function shortened(stderr) {
  return stderr
    .replace(/^Error: /, '')
    .replace(/\n+Use --debug flag.*$/s, '')
    .replace(/\s*\n\s*/g, ' ')
}
