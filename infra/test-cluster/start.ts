/**
 * `npx node infra/test-cluster/start.ts`: runs a test cluster until Ctrl-C and prints the shell command to use it. The
 * first start builds the tools.
 */
import { once } from 'node:events'
import { exitOnHelp } from '../../lib/node/help.ts'
import { UserError } from '../dev/user-error.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { ensureTools } from './tools.ts'

exitOnHelp(`npx node infra/test-cluster/start.ts

Starts a Kubernetes control plane that simulates pods, and prints the variables that kubectl and helm need.
Ctrl-C ends it and deletes its data. The first start builds its programs with Go, which takes minutes.`)

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())

let controlPlane: ControlPlane | null = null
try {
  const tools = await ensureTools((line) => console.error(line), stopped.signal)
  controlPlane = await startControlPlane(tools)
  console.log(`export KUBECONFIG=${controlPlane.kubeconfig} PATH=${tools.folder}:$PATH`)
  console.error(
    'The cluster is ready: run the line above in another terminal. Ctrl-C stops the cluster and deletes its data.',
  )
  if (!stopped.signal.aborted) await Promise.race([once(stopped.signal, 'abort'), controlPlane.failed])
} catch (error) {
  console.error(error instanceof UserError ? error.message : error)
  process.exitCode = 1
} finally {
  await controlPlane?.stop()
}
process.exit()
