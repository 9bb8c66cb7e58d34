/**
 * Finds all problems of a config: invalid keys and values, errors of the chart, and errors of the API server. Each
 * problem is one sentence and starts with the config key that caused it, if the key can be found. Called by
 * config_check.
 */
import { UserError } from '../../lib/arguments.mjs'
import { CommandError } from '../../lib/command.mjs'
import { dryRunProblems, withoutDefinedKinds } from '../../lib/kubernetes/dry-run.mjs'
import { findKeyByPath, findKeyByValue } from '../../lib/kubernetes/find-config-key.mjs'
import { imageProblems } from '../../lib/kubernetes/image.mjs'
import { updateProblems } from '../../lib/kubernetes/immutable-fields.mjs'
import { getKnownObjects } from '../../lib/kubernetes/release-pods.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { chartCrds, missingCrdProblem } from './crds.mjs'
import { readChartSource } from './defaults.mjs'
import { fetchChart } from './fetch-chart.mjs'
import { foreignObject, foreignObjectMessage, shortHelmError } from './helm-errors.mjs'
import { helmFlags } from './helm-options.mjs'
import { configuredSummary, render } from './release.mjs'

/** The time limit for findKeyByRemoval. A user waits for the result. */
const keySearchMs = 4_000

export async function configProblems(request) {
  const problems = await findProblems(request)
  if (problems.length === 0 || problems.some(({ key }) => key)) return problems.map(formatProblem)
  const key = await findKeyByRemoval(request, problems)
  return problems.map((problem) => formatProblem({ ...problem, key }))
}

/** → [{ key, message }] */
async function findProblems(request) {
  const pairs = [...request.application]
  let text
  try {
    text = await render(request)
  } catch (error) {
    if (error instanceof CommandError) return renderProblems(error.message, pairs)
    throw error
  }
  // Start the dry run first, because it takes the longest.
  const dryRun = dryRunProblems(text, request.namespace)
  dryRun.catch(() => {})
  const summary = await configuredSummary(request, text)
  const images = imageProblems(summary, pairs)
  if (images.length > 0) return images
  const documents = await readDocuments(text, 'What the chart renders')
  const live = await getKnownObjects(summary.objects)
  const foreign = foreignProblems(request, live)
  if (foreign.length > 0) return foreign
  const chart = await fetchChart(readChartSource(request.deployment))
  const chartKinds = (await chartCrds(chart)).map(({ kind }) => kind)
  const found = await dryRun
  const templateKinds = summary.definedKinds.filter((kind) => !chartKinds.includes(kind))
  const impossible = found.find(({ unknownKind }) => templateKinds.includes(unknownKind))
  if (impossible !== undefined)
    return [{ key: null, message: definedTogetherMessage(impossible.unknownKind) }]
  const created = withoutDefinedKinds(found, chartKinds)
  const rejected = created.length > 0 ? created : await rejectedUpdates(request, documents, live)
  if (rejected.length === 0 && found.length > 0) {
    const message = await missingCrdProblem(chart)
    return message === null ? [] : [{ key: null, message }]
  }
  return rejected.map((problem) => ({
    message: problem.message,
    key: findKeyByValue(problem, documents, pairs),
  }))
}

/** Helm looks every kind up before it installs anything, and it installs only the folder crds before that. */
const definedTogetherMessage = (kind) =>
  `The cluster has no kind ${kind}, which the chart defines in its templates: helm cannot install an object of a kind together with its definition.`

/** helm refuses objects of other releases. The names of such objects do not contain the deployment's name. */
function foreignProblems({ name, deployment }, live) {
  if (helmFlags(deployment).all.includes('--take-ownership')) return []
  return live.flatMap(({ kind, metadata }) => {
    const owner = metadata.annotations?.['meta.helm.sh/release-name']
    return owner === name ? [] : [{ key: null, message: foreignObject(kind, metadata.name, owner) }]
  })
}

function rejectedUpdates({ namespace }, documents, live) {
  const format = (changed) => changed.map((document) => JSON.stringify(document)).join('\n---\n')
  return updateProblems(documents, live, namespace, { fieldManager: 'helm', format })
}

/** Parses helm's errors about the chart's schema or a template. */
function renderProblems(stderr, pairs) {
  const schema = [...stderr.matchAll(/^- (?:at '([^']*)'|([\w.[\]-]+)): (.+)$/gm)]
  if (schema.length > 0)
    return schema.map(([, pointer, dotted, message]) => {
      const path = dotted ?? pathOf(pointer)
      return { key: findKeyByPath(path, pairs) ?? (path || null), message }
    })
  if (
    /(?:connection refused|cluster unreachable|no such host|i\/o timeout|Unauthorized|forbidden)/i.test(
      stderr,
    )
  )
    throw new UserError(stderr)
  const foreign = foreignObjectMessage(stderr)
  if (foreign !== null) return [{ key: null, message: foreign }]
  const keys = [...stderr.matchAll(/\.Values\.([\w.]+)/g)].map(([, path]) => findKeyByPath(path, pairs))
  return [{ key: keys.find(Boolean) ?? null, message: shortHelmError(stderr) }]
}

/** Removes one key after another until the first problem disappears. → the key, or null */
async function findKeyByRemoval(request, [first]) {
  const endsAt = Date.now() + keySearchMs
  for (const [key] of [...request.application].reverse()) {
    if (Date.now() > endsAt) return null
    const application = new Map(request.application)
    application.delete(key)
    const remaining = await findProblems({ ...request, application }).catch(() => [first])
    if (!remaining.some(({ message }) => message === first.message)) return key
  }
  return null
}

const formatProblem = ({ key, message }) => (key ? `${key}: ${message}` : message)
const pathOf = (pointer) =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
