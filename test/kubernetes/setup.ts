/**
 * Global setup of the Kubernetes tests: starts PostgreSQL, Redis and a cluster. If KUBECONFIG is set, the tests use
 * that cluster with the helm and kubectl of this machine; otherwise a cluster of infra/test-cluster. The teardown stops
 * everything, and deletes namespaces that a stopped test has left.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { UserError } from '../../infra/dev/user-error.ts'
import { type ControlPlane, startControlPlane } from '../../infra/test-cluster/control-plane.ts'
import { ensureTools } from '../../infra/test-cluster/tools.ts'
import { globalSetup as startDatastores, globalTeardown as stopDatastores } from '../helpers/setup.ts'
import { runLabel } from './cluster.ts'

let controlPlane: ControlPlane | null = null

export async function globalSetup(): Promise<void> {
  process.env.TEST_RUN = randomBytes(4).toString('hex')
  if (process.env.KUBECONFIG) useOtherCluster()
  else {
    const tools = await ensureTools((line) => console.log(line))
    controlPlane = await startControlPlane(tools)
    process.env.KUBECONFIG = controlPlane.kubeconfig
    process.env.TEST_KUBERNETES_TOOLS = tools.folder
    process.env.PATH = `${tools.folder}:${process.env.PATH}`
    process.env.TEST_HELMS = JSON.stringify({ 4: 'helm', 3: 'helm3' })
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
  if (controlPlane === null) deleteLeftNamespaces()
  await controlPlane?.stop()
}

function useOtherCluster(): void {
  const context = run('kubectl', ['config', 'current-context'])
  const helms = findHelms()
  process.env.TEST_HELMS = JSON.stringify(helms)
  const names = Object.entries(helms).map(([version, program]) => `Helm ${version} (${program})`)
  console.log(
    `The tests run on the cluster ${context} of KUBECONFIG, in separate namespaces, with ${names.join(' and ')}. ` +
      'test/kubernetes/README.md lists the tests that need the cluster of infra/test-cluster and are skipped.',
  )
}

/** HELM_BIN, else `helm`, and `helm3` of the PATH. → the program of each major version */
function findHelms(): Record<string, string> {
  const helms: Record<string, string> = {}
  for (const program of [process.env.HELM_BIN || 'helm', 'helm3']) {
    const [, version] = /^v(\d+)\./.exec(tryRun(program, ['version', '--template={{.Version}}'])) ?? []
    if (version !== undefined) helms[version] ??= program
  }
  if (Object.keys(helms).length === 0)
    throw new UserError('The Kubernetes tests need helm on the PATH, or its path in HELM_BIN.')
  return helms
}

function deleteLeftNamespaces(): void {
  const selector = `--selector=${runLabel}=${process.env.TEST_RUN}`
  const left = tryRun('kubectl', ['get', 'namespaces', selector, '--output=name'])
  if (left === '') return
  console.log(`Stopped tests have left ${left.split('\n').join(', ')}; they are deleted.`)
  run('kubectl', ['delete', 'namespaces', selector, '--timeout=120s'])
}

function run(program: string, args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8' }).trim()
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new UserError(`The Kubernetes tests on the cluster of KUBECONFIG need ${program}: ${cause}`)
  }
}

function tryRun(program: string, args: string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}
