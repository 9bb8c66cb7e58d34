/**
 * Builds the manifests of a deployment: kustomize gives every object the deployment's name, namespace and label; then each
 * ${key} in them becomes its value, in the finished objects, so that a value can never be more than a value.
 */
import { readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Refusal } from '../../lib/arguments.mjs'
import { remembered } from '../../lib/cache.mjs'
import { inPrivateFolder } from '../../lib/cache-dir.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { outlineOf } from '../../lib/kubernetes/manifest-summary.mjs'
import { scalarOf } from '../../lib/values.mjs'
import { readDocuments } from '../../lib/yaml.mjs'
import { applicationDefaults, folderOf, templatesRoot } from './declared-config.mjs'

const outlineFreshMs = 10 * 60 * 1000
export const instanceLabel = 'app.kubernetes.io/instance'

/** What the configured manifests consist of; kept, because check asks every few seconds. */
export async function configuredOutline(request) {
  const key = [
    stamps(templatesRoot()),
    request.name,
    request.namespace,
    request['base-domain'],
    request['project-name'],
  ]
  const configs = [[...request.deployment], [...request.application]]
  return remembered('outlines', [...key, ...configs], { freshMs: outlineFreshMs }, async () =>
    outlineOf(await finished(request, await built(request)), request.namespace),
  )
}

/** The manifests with their placeholders, as objects. */
export async function built(request) {
  const folder = await folderOf(request.deployment)
  const text = await inPrivateFolder(async (own) => {
    const overlay = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namePrefix: `${request.name}-`,
      namespace: request.namespace,
      labels: [{ pairs: { [instanceLabel]: request.name }, includeSelectors: true }],
      resources: [relative(realpathSync(own), folder)],
    }
    writeFileSync(join(own, 'kustomization.yaml'), JSON.stringify(overlay), { mode: 0o600 })
    return await kubectl(['kustomize', own])
  })
  const documents = await readDocuments(text, 'What kustomize builds')
  for (const document of documents) claim(document, request)
  return documents
}

/** The same with every placeholder filled. @throws Refusal with a sentence for each key that cannot be used */
export async function finished(request, documents) {
  const { values, problems } = await valuesOf(request)
  const missing = new Set()
  const filled = documents.map((document) =>
    fill(document, values, (key) =>
      missing.add(`${key}: it has no value, but ${document.kind} ${document.metadata?.name} needs it.`),
    ),
  )
  if (problems.length + missing.size > 0) throw new Refusal([...problems, ...missing].join('\n'))
  return filled
}

/** As JSON for kubectl; a whole number may be greater than JavaScript can count. */
export function manifestsText(documents) {
  return documents
    .map((document) =>
      JSON.stringify(document, (_, value) =>
        typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value,
      ),
    )
    .join('\n---\n')
}

/** The placeholder of a key as it stands in the manifests. */
export const placeholder = (key) => `\${${key}}`

async function valuesOf(request) {
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
        `${key}: these manifests have no such key. They have: ${[...declared.keys()].join(', ')}.`,
      )
    const kind = typeof declared.get(key)
    const value = kind === 'number' || kind === 'boolean' ? scalarOf(text, () => true) : text
    if (kind === 'number' && typeof value !== 'bigint')
      problems.push(`${key}: ${JSON.stringify(text)} is not a whole number.`)
    if (kind === 'boolean' && typeof value !== 'boolean')
      problems.push(`${key}: ${JSON.stringify(text)} is neither true nor false.`)
    values.set(key, value)
  }
  return { values, problems }
}

/** A text that is one placeholder becomes the value itself, others become text. `$${` stands for `${`. */
function fill(node, values, onMissing) {
  if (Array.isArray(node)) return node.map((each) => fill(each, values, onMissing))
  if (node !== null && typeof node === 'object')
    return Object.fromEntries(
      Object.entries(node).map(([name, each]) => [name, fill(each, values, onMissing)]),
    )
  if (typeof node !== 'string') return node
  const take = (key) => {
    if (values.get(key) === undefined) onMissing(key)
    return values.get(key) ?? ''
  }
  const [, whole] = /^\$\{([^{}]+)\}$/.exec(node) ?? []
  if (whole !== undefined && values.has(whole)) return take(whole)
  return node.replace(
    /\$(\$\{)|\$\{([^{}]+)\}/g,
    (text, escaped, key) => escaped ?? (values.has(key) ? String(take(key)) : text),
  )
}

/** Claims that a StatefulSet makes carry the label too, or cleanup would not find them. Nothing may be outside of the namespace. */
function claim(document, { name, namespace }) {
  const { kind, metadata, spec } = document
  if (kind === 'Namespace' || (metadata?.namespace !== undefined && metadata.namespace !== namespace))
    throw new Refusal(
      `${kind} ${metadata?.name} is not in the namespace ${namespace}: a deployment may have nothing elsewhere.`,
    )
  for (const template of kind === 'StatefulSet' ? (spec?.volumeClaimTemplates ?? []) : [])
    template.metadata = {
      ...template.metadata,
      labels: { ...template.metadata?.labels, [instanceLabel]: name },
    }
}

/** Names, sizes and times of all files below. */
function stamps(path) {
  const { size, mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return [[path, size, mtimeMs]]
  return readdirSync(path).flatMap((name) => stamps(join(path, name)))
}
