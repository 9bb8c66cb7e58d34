/**
 * What the manifests declare: octopod.yaml says which keys there are, with their defaults. The kind of a default is the kind
 * of the value: a number stays a number, all else is text; null is a key without default.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import { Refusal } from '../../lib/arguments.mjs'
import { readDocuments } from '../../lib/yaml.mjs'

const fileName = 'octopod.yaml'
const folderKey = 'folder'

/** OCTOPOD_TEMPLATES_DIR; the sample without it. @throws Refusal */
export function templatesRoot() {
  const folder = process.env.OCTOPOD_TEMPLATES_DIR || join(import.meta.dirname, '..', 'sample')
  if (!existsSync(folder)) throw new Refusal(`OCTOPOD_TEMPLATES_DIR is ${folder}, which does not exist.`)
  return realpathSync(folder)
}

/** The folder that the deployment config names, inside the root. @throws Refusal */
export async function folderOf(deployment) {
  const root = templatesRoot()
  const name = deployment.get(folderKey) ?? (await deploymentDefaults()).get(folderKey)
  const path = join(root, String(name))
  const isInside = existsSync(path) && `${realpathSync(path)}${sep}`.startsWith(`${root}${sep}`)
  const hasBuild = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'].some((file) =>
    existsSync(join(path, file)),
  )
  if (!isInside || !hasBuild)
    throw new Refusal(
      `${folderKey} ${JSON.stringify(name)} is not a folder of the manifests with a kustomization.yaml.`,
    )
  return realpathSync(path)
}

/** key → default, of the deployment level. */
export async function deploymentDefaults() {
  const { deployment } = await read(templatesRoot())
  return new Map([[folderKey, '.'], ...deployment])
}

/** key → default, of the application level: of the root, and of the folder on top. */
export async function applicationDefaults(deployment) {
  const folder = await folderOf(deployment)
  const root = templatesRoot()
  const common = await read(root)
  const own = folder === root ? common : await read(folder)
  return new Map([...common.application, ...own.application])
}

/** Rows for CSV. */
export function withDefault(declared) {
  return [...declared].filter(([, value]) => value !== null).map(([key, value]) => [key, String(value)])
}

async function read(folder) {
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
    throw new Refusal(`${part} in ${path} is not a list of keys with a default each, like "image.tag: v1".`)
  return Object.entries(map)
}
