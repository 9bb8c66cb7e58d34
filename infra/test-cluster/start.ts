/**
 * `npx node infra/test-cluster/start.ts`: a control plane for one person, until Ctrl-C. Prints what a shell needs to use it.
 * Builds the tools at its first start.
 */
import { once } from 'node:events'
import { UserError } from '../dev/user-error.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { ensureTools } from './tools.ts'

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())

let controlPlane: ControlPlane | null = null
try {
  const tools = await ensureTools((line) => console.error(line), stopped.signal)
  controlPlane = await startControlPlane(tools)
  console.log(`export KUBECONFIG=${controlPlane.kubeconfig} PATH=${tools.folder}:$PATH`)
  console.error(
    'A cluster is ready: run the line above in another terminal. Ctrl-C ends it and forgets all it holds.',
  )
  if (!stopped.signal.aborted) await Promise.race([once(stopped.signal, 'abort'), controlPlane.failed])
} catch (error) {
  console.error(error instanceof UserError ? error.message : error)
  process.exitCode = 1
} finally {
  await controlPlane?.stop()
}
process.exit()
