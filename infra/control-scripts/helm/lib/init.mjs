/**
 * init: tests that helm and kubectl work and DEFAULTS is valid. With HELM_ON_INIT_ONLY it fetches the repository's
 * index.
 */
import { UserError } from '../../lib/arguments.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { deploymentDefaults, readChartSource, readDefaults } from './defaults.mjs'
import { fetchIndex, isInitOnly } from './fetch-chart.mjs'
import { helmMajor } from './helm.mjs'

const minMajorVersion = 3

export async function init() {
  readDefaults()
  const major = await helmMajor()
  if (major < minMajorVersion)
    throw new UserError(`helm has version ${major}, but version ${minMajorVersion} or newer is needed.`)
  await kubectl(['version', '--client'])
  if (isInitOnly()) await fetchIndex(readChartSource(new Map(deploymentDefaults())))
  console.log('helm and kubectl work, DEFAULTS is valid.')
}
