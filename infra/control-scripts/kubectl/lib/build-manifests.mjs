/**
 * Builds the manifests of a deployment. kustomize adds the deployment's name, namespace and label to every object. Then
 * each ${key} is replaced by its value in the parsed objects, so a value cannot change the structure of a manifest.
 * Called by lifecycle.mjs, config-problems.mjs, check and info.
 */
import { realpathSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { UserError } from '../../lib/arguments.mjs'
import { getOrCompute } from '../../lib/cache.mjs'
import { withPrivateFolder } from '../../lib/cache-dir.mjs'
import { fileStamps } from '../../lib/file-stamps.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { summarizeManifests } from '../../lib/kubernetes/manifest-summary.mjs'
import { parseScalar } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { applicationDefaults, manifestFolder, templatesRoot } from './declared-config.mjs'

const summaryFreshMs = 10 * 60 * 1000
export const instanceLabel = 'app.kubernetes.io/instance'

/** The summary of the configured manifests. It is cached, because check reads it every few seconds. */
export async function configuredSummary(request) {
  const key = [
    fileStamps(templatesRoot()),
    request.name,
    request.namespace,
    request['base-domain'],
    request['project-name'],
  ]
  const configs = [[...request.deployment], [...request.application]]
  return getOrCompute('manifest-summaries', [...key, ...configs], { freshMs: summaryFreshMs }, async () =>
    summarizeManifests(await fillPlaceholders(request, await buildManifests(request)), request.namespace),
  )
}

/** The manifests as objects, with placeholders. */
export async function buildManifests(request) {
  const folder = await manifestFolder(request.deployment)
  const text = await withPrivateFolder(async (tempFolder) => {
    const overlay = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namePrefix: `${request.name}-`,
      namespace: request.namespace,
      labels: [{ pairs: { [instanceLabel]: request.name }, includeSelectors: true }],
      resources: [relative(realpathSync(tempFolder), folder)],
    }
    writeFileSync(join(tempFolder, 'kustomization.yaml'), JSON.stringify(overlay), { mode: 0o600 })
    return await kubectl(['kustomize', tempFolder])
  })
  const documents = await readDocuments(text, 'What kustomize builds')
  for (const document of documents) checkAndLabel(document, request)
  return documents
}

/** The manifests with all placeholders replaced. @throws UserError with one sentence per invalid key */
export async function fillPlaceholders(request, documents) {
  const { values, problems } = await placeholderValues(request)
  const missing = new Set()
  const manifests = documents.map((document) =>
    fill(document, values, (key) =>
      missing.add(`${key}: the value is missing, but ${document.kind} ${document.metadata?.name} needs it.`),
    ),
  )
  if (problems.length + missing.size > 0) throw new UserError([...problems, ...missing].join('\n'))
  return manifests
}

/** The manifests as JSON for kubectl. Whole numbers may be larger than a JavaScript number can hold. */
export function manifestsText(documents) {
  return documents
    .map((document) =>
      JSON.stringify(document, (_, value) =>
        typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value,
      ),
    )
    .join('\n---\n')
}

/** The placeholder of a key in the manifests. */
export const placeholder = (key) => `\${${key}}`

async function placeholderValues(request) {
  const declared = await applicationDefaults(request.deployment)
  const problems = []
  const values = new Map([
    ['octopod.name', request.name],
    ['octopod.host', `${request.name}.${request['base-domain']}`],
    ['octopod.namespace', request.namespace],
    ['octopod.project', request['project-name']],
    ['octopod.domain', request['base-domain']],
  ])
  for (const key of declared.keys()) values.set(key, undefined)
  for (const [key, text] of request.application) {
    if (!declared.has(key))
      problems.push(
        `${key}: the manifests do not declare this key. They declare: ${[...declared.keys()].join(', ')}.`,
      )
    const kind = typeof declared.get(key)
    const value = kind === 'number' || kind === 'boolean' ? parseScalar(text, 'number') : text
    if (kind === 'number' && typeof value !== 'bigint')
      problems.push(`${key}: ${JSON.stringify(text)} is not a whole number.`)
    if (kind === 'boolean' && typeof value !== 'boolean')
      problems.push(`${key}: ${JSON.stringify(text)} is neither true nor false.`)
    values.set(key, value)
  }
  return { values, problems }
}

/**
 * A text that is exactly one placeholder becomes the typed value. In a longer text the value becomes text. `$${` means
 * `${`.
 */
function fill(node, values, onMissing) {
  if (Array.isArray(node)) return node.map((child) => fill(child, values, onMissing))
  if (node !== null && typeof node === 'object')
    return Object.fromEntries(
      Object.entries(node).map(([name, child]) => [name, fill(child, values, onMissing)]),
    )
  if (typeof node !== 'string') return node
  const valueFor = (key) => {
    if (values.get(key) === undefined) onMissing(key)
    return values.get(key) ?? ''
  }
  const [, onlyPlaceholder] = /^\$\{([^{}]+)\}$/.exec(node) ?? []
  if (onlyPlaceholder !== undefined && values.has(onlyPlaceholder)) return valueFor(onlyPlaceholder)
  return node.replace(
    /\$(\$\{)|\$\{([^{}]+)\}/g,
    (text, escaped, key) => escaped ?? (values.has(key) ? String(valueFor(key)) : text),
  )
}

/**
 * Rejects objects outside of the namespace. Adds the label to the volume claim templates, so that cleanup finds the
 * claims.
 */
function checkAndLabel(document, { name, namespace }) {
  const { kind, metadata, spec } = document
  if (kind === 'Namespace' || (metadata?.namespace !== undefined && metadata.namespace !== namespace))
    throw new UserError(
      `${kind} ${metadata?.name} is not in the namespace ${namespace}, but all objects of a deployment must be in it.`,
    )
  for (const template of kind === 'StatefulSet' ? (spec?.volumeClaimTemplates ?? []) : [])
    template.metadata = {
      ...template.metadata,
      labels: { ...template.metadata?.labels, [instanceLabel]: name },
    }
}
