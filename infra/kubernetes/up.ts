/**
 * `npm run kubernetes`: a control plane for one person, until Ctrl-C. Prints what a shell needs to use it.
 * Builds the tools at its first start.
 */
import { once } from 'node:events'
import { Problem } from '../local/problem.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { ensureTools } from './tools.ts'

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())

let plane: ControlPlane | null = null
try {
  const tools = await ensureTools((line) => console.error(line), stopped.signal)
  plane = await startControlPlane(tools)
  console.log(`export KUBECONFIG=${plane.kubeconfig} PATH=${tools.folder}:$PATH`)
  console.error(
    'A cluster is ready: run the line above in another terminal. Ctrl-C ends it and forgets all it holds.',
  )
  if (!stopped.signal.aborted) await Promise.race([once(stopped.signal, 'abort'), plane.broken])
} catch (error) {
  console.error(error instanceof Problem ? error.message : error)
  process.exitCode = 1
} finally {
  await plane?.stop()
}
process.exit()
