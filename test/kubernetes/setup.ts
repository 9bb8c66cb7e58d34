/**
 * Global setup of the Kubernetes tests: starts PostgreSQL, Redis and a cluster. If KUBECONFIG is set, the tests use
 * that cluster with the helm and kubectl of this machine; otherwise a cluster of infra/test-cluster. The teardown stops
 * everything.
 */
import { execFileSync } from 'node:child_process'
import { type ControlPlane, startControlPlane } from '../../infra/test-cluster/control-plane.ts'
import { ensureTools } from '../../infra/test-cluster/tools.ts'
import { globalSetup as startDatastores, globalTeardown as stopDatastores } from '../helpers/setup.ts'

let controlPlane: ControlPlane | null = null

export async function globalSetup(): Promise<void> {
  if (process.env.KUBECONFIG) {
    const context = execFileSync('kubectl', ['config', 'current-context'], { encoding: 'utf8' }).trim()
    console.log(
      `The tests run on the cluster ${context} of KUBECONFIG, in separate namespaces. Tests that need kwok are skipped.`,
    )
  } else {
    const tools = await ensureTools((line) => console.log(line))
    controlPlane = await startControlPlane(tools)
    process.env.KUBECONFIG = controlPlane.kubeconfig
    process.env.TEST_KUBERNETES_TOOLS = tools.folder
    process.env.PATH = `${tools.folder}:${process.env.PATH}`
  }
  try {
    await startDatastores()
  } catch (error) {
    await controlPlane?.stop()
    throw error
  }
}

export async function globalTeardown(): Promise<void> {
  await stopDatastores()
  await controlPlane?.stop()
}
