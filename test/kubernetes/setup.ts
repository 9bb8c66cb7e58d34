/**
 * Before the tests on Kubernetes: the engines of all tests, and a cluster. That of KUBECONFIG where it is set, with the
 * helm and kubectl of this machine; else one of our own, played by kwok. After them nothing is left.
 */
import { execFileSync } from 'node:child_process'
import { type ControlPlane, startControlPlane } from '../../infra/test-cluster/control-plane.ts'
import { ensureTools } from '../../infra/test-cluster/tools.ts'
import { globalTeardown as endEngines, globalSetup as startEngines } from '../helpers/setup.ts'

let controlPlane: ControlPlane | null = null

export async function globalSetup(): Promise<void> {
  if (process.env.KUBECONFIG) {
    const context = execFileSync('kubectl', ['config', 'current-context'], { encoding: 'utf8' }).trim()
    console.log(
      `The tests run on the cluster ${context} of KUBECONFIG, in namespaces of their own; what only kwok can play is skipped.`,
    )
  } else {
    const tools = await ensureTools((line) => console.log(line))
    controlPlane = await startControlPlane(tools)
    process.env.KUBECONFIG = controlPlane.kubeconfig
    process.env.TEST_KUBERNETES_TOOLS = tools.folder
    process.env.PATH = `${tools.folder}:${process.env.PATH}`
  }
  try {
    await startEngines()
  } catch (error) {
    await controlPlane?.stop()
    throw error
  }
}

export async function globalTeardown(): Promise<void> {
  await endEngines()
  await controlPlane?.stop()
}
