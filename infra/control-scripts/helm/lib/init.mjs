/** init: the programs are there, DEFAULTS can be read, and with HELM_ON_INIT_ONLY the default repository is known. */
import { Refusal } from '../../lib/arguments.mjs'
import { kubectl } from '../../lib/kubernetes/kubectl.mjs'
import { chartOf, defaults, deploymentDefaults } from './defaults.mjs'
import { isOnInitOnly, readIndex } from './fetch-chart.mjs'
import { helmMajor } from './helm.mjs'

const oldest = 3

export async function prepare() {
  defaults()
  const major = await helmMajor()
  if (major < oldest) throw new Refusal(`This helm is of version ${major}: ${oldest} or newer is needed.`)
  await kubectl(['version', '--client'])
  if (isOnInitOnly()) await readIndex(chartOf(new Map(deploymentDefaults())))
  console.log('helm and kubectl are there, DEFAULTS can be read.')
}
