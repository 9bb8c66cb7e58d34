/**
 * Reads what is inside a chart: its own values and those of its subcharts, files, and custom resource definitions.
 * Called by chart-keys.mjs, crds.mjs and release.mjs.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { UserError } from '../../lib/arguments.mjs'
import { withPrivateFolder } from '../../lib/cache-dir.mjs'
import { runCommand } from '../../lib/command.mjs'
import { readDocuments } from '../../lib/yaml.mjs'

const unpackTimeoutMs = 30_000
/** Charts nest no deeper in practice. */
const maxDepth = 8

/** Calls `work` with the chart as a folder; a packed chart is unpacked into a private folder for that time. */
export async function withChartFolder(path, work) {
  if (statSync(path).isDirectory()) return await work(path)
  return await withPrivateFolder(async (folder) => work(await unpack(path, folder)))
}

/** → [[prefix, values], …] of the chart and of its subcharts at every depth; subcharts first. */
export async function readAllValues(path) {
  return await withChartFolder(path, (folder) => valuesBelow(folder, [], 0))
}

/** The text of a file of the chart. @throws UserError when it is not in the chart */
export function readChartFile(folder, name) {
  const file = join(folder, name)
  const isInside = existsSync(file) && realpathSync(file).startsWith(realpathSync(folder) + sep)
  if (!isInside || !statSync(file).isFile())
    throw new UserError(`The values file ${JSON.stringify(name)} is not a file of the chart.`)
  return readFileSync(file, 'utf8')
}

/** The custom resource definitions in the folders crds of the chart and its subcharts, as objects. */
export async function readCrds(path) {
  return await withChartFolder(path, (folder) => crdsBelow(folder, 0))
}

async function valuesBelow(folder, prefix, depth) {
  const below = await subchartsOf(folder, depth, async (subchart, { name, aliases }) => {
    const prefixes = aliases.length > 0 ? aliases : [name]
    const found = await Promise.all(
      prefixes.map((part) => valuesBelow(subchart, [...prefix, part], depth + 1)),
    )
    return found.flat()
  })
  return [...below, [prefix, await readYaml(join(folder, 'values.yaml'))]]
}

async function crdsBelow(folder, depth) {
  const below = await subchartsOf(folder, depth, (subchart) => crdsBelow(subchart, depth + 1))
  const own = join(folder, 'crds')
  const files = existsSync(own)
    ? readdirSync(own, { recursive: true }).filter((name) => /\.(ya?ml|json)$/.test(name))
    : []
  const documents = await Promise.all(
    files
      .sort()
      .map((name) => readDocuments(readFileSync(join(own, name), 'utf8'), `crds/${name} of the chart`)),
  )
  return [...documents.flat().filter(({ kind }) => kind === 'CustomResourceDefinition'), ...below]
}

/** Calls `work` for every chart in the folder charts, packed or not. → all results */
async function subchartsOf(folder, depth, work) {
  const charts = join(folder, 'charts')
  if (depth >= maxDepth || !existsSync(charts)) return []
  const parent = await readYaml(join(folder, 'Chart.yaml'))
  // Charts for Helm 2 have a file of their own for the dependencies.
  const { dependencies = parent.dependencies } = await readYaml(join(folder, 'requirements.yaml'))
  const results = []
  for (const entry of readdirSync(charts).sort()) {
    const path = join(charts, entry)
    if (!isChart(path)) continue
    const found = await withChartFolder(path, async (subchart) => {
      const { name = entry } = await readYaml(join(subchart, 'Chart.yaml'))
      const uses = (dependencies ?? []).filter((dependency) => dependency?.name === name)
      return work(subchart, { name, aliases: uses.map(({ alias }) => alias ?? name) })
    })
    results.push(...found)
  }
  return results
}

const isChart = (path) => path.endsWith('.tgz') || existsSync(join(path, 'Chart.yaml'))

async function unpack(path, folder) {
  await runCommand('tar', ['-xzf', path, '-C', folder, '--no-same-owner'], { timeoutMs: unpackTimeoutMs })
  const [name] = readdirSync(folder).filter((entry) => existsSync(join(folder, entry, 'Chart.yaml')))
  if (name === undefined) throw new UserError(`${path} contains no chart.`)
  return join(folder, name)
}

/** The first document; an empty object if the file does not exist. */
async function readYaml(file) {
  if (!existsSync(file)) return {}
  const [content] = await readDocuments(readFileSync(file, 'utf8'), file)
  return content !== null && typeof content === 'object' ? content : {}
}
