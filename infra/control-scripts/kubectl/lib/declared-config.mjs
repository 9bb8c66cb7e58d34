/**
 * Reads octopod.yaml, which declares the config keys with their defaults. The type of a default is the type of the
 * value: number, boolean or text. null declares a key without a default. Called by the config scripts and
 * build-manifests.mjs.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { UserError } from '../../lib/arguments.mjs'
import { readDocuments } from '../../lib/yaml.mjs'

const fileName = 'octopod.yaml'
const folderKey = 'folder'

/** The folder OCTOPOD_TEMPLATES_DIR, default: the sample. @throws UserError */
export function templatesRoot() {
  const folder = process.env.OCTOPOD_TEMPLATES_DIR || join(import.meta.dirname, '..', 'sample')
  if (!existsSync(folder)) throw new UserError(`OCTOPOD_TEMPLATES_DIR is ${folder}, which does not exist.`)
  return realpathSync(folder)
}

/** The folder inside the root that the deployment config selects. @throws UserError */
export async function manifestFolder(deployment) {
  const root = templatesRoot()
  const name = deployment.get(folderKey) ?? (await deploymentDefaults()).get(folderKey)
  const path = join(root, String(name))
  const isInside = existsSync(path) && `${realpathSync(path)}${sep}`.startsWith(`${root}${sep}`)
  const hasBuild = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'].some((file) =>
    existsSync(join(path, file)),
  )
  if (!isInside || !hasBuild)
    throw new UserError(
      `${folderKey} ${JSON.stringify(name)} is not a folder of the manifests with a kustomization.yaml.`,
    )
  return realpathSync(path)
}

/** Defaults of the deployment level, by key. */
export async function deploymentDefaults() {
  const { deployment } = await readDeclaration(templatesRoot())
  return new Map([[folderKey, '.'], ...deployment])
}

/** Defaults of the application level, by key. The folder's declaration overrides that of the root. */
export async function applicationDefaults(deployment) {
  const folder = await manifestFolder(deployment)
  const root = templatesRoot()
  const rootDeclaration = await readDeclaration(root)
  const folderDeclaration = folder === root ? rootDeclaration : await readDeclaration(folder)
  return new Map([...rootDeclaration.application, ...folderDeclaration.application])
}

/** CSV rows of the keys that have a default. */
export function defaultRows(declared) {
  return [...declared].filter(([, value]) => value !== null).map(([key, value]) => [key, String(value)])
}

async function readDeclaration(folder) {
  const path = join(folder, fileName)
  if (!existsSync(path)) return { deployment: [], application: [] }
  const [content = {}] = await readDocuments(readFileSync(path, 'utf8'), path)
  return { deployment: pairs(content, 'deployment', path), application: pairs(content, 'application', path) }
}

function pairs(content, part, path) {
  const map = content[part] ?? {}
  if (
    typeof map !== 'object' ||
    Array.isArray(map) ||
    Object.values(map).some((value) => typeof value === 'object' && value !== null)
  )
    throw new UserError(`${part} in ${path} is not a map of keys to defaults, like "image.tag: v1".`)
  return Object.entries(map)
}
