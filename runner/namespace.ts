/**
 * What scripts are started through when each gets a PID namespace of its own (PID_NAMESPACE=own): nothing that a script has started
 * outlives it then, whatever it does to its group and its environment. Asked once by main; process.ts puts the words first.
 */
import { fileURLToPath } from 'node:url'
import { SettingsError } from '../domain/settings.ts'
import { collect } from './process.ts'

const first = fileURLToPath(new URL('namespace.sh', import.meta.url))
/** Root has the right; others get it in a user namespace, where the kernel allows those. */
const ways = [[], ['--user', '--map-current-user']]
/** Asked to end as the runner asks it. Before util-linux 2.38 a script never hears of it, or is killed at once. */
const hearsTerm = 'trap "exit 7" TERM; kill -s TERM 0; sleep 1; exit 8'
const keepsTerm = 'its unshare keeps TERM from scripts (util-linux 2.38 does not)'
const patienceMs = 10_000

/** Throws a SettingsError with this machine's own words where there is no way. */
export async function findNamespace(environment: Record<string, string>): Promise<readonly string[]> {
  const refusals = new Set<string>()
  for (const way of ways) {
    const through = ['unshare', ...way, '--pid', '--fork', '--kill-child', '--mount-proc', '/bin/sh', first]
    const script = { file: '/bin/sh', args: ['-c', hearsTerm], env: environment, through }
    const { result, stderr } = await collect({ ...script, timeoutMs: patienceMs, killGraceMs: 1000 }, 1000)
    if (result.exitCode === 7) return through
    const silent = result.problem ? 'there is no unshare (util-linux) in its PATH' : keepsTerm
    refusals.add(stderr.trim() || silent)
  }
  throw new SettingsError(
    `PID_NAMESPACE is own, but this machine gives scripts no namespace of their own: ${[...refusals].join('; ')}`,
  )
}
