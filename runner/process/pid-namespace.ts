/**
 * What scripts are started through when each gets a PID namespace of its own (PID_NAMESPACE=own): nothing that a script has started
 * outlives it then, whatever it does to its group and its environment. Asked once by main; process.ts puts the words first.
 */
import { fileURLToPath } from 'node:url'
import { SettingsError } from '../../domain/settings.ts'
import { collectOutput } from './process.ts'

const initScript = fileURLToPath(new URL('pid-namespace.sh', import.meta.url))
/** Root has the right; others get it in a user namespace, where the kernel allows those. */
const unshareOptions = [[], ['--user', '--map-current-user']]
/** Asked to end as the runner asks it. Before util-linux 2.38 a script never hears of it, or is killed at once. */
const termProbe = 'trap "exit 7" TERM; kill -s TERM 0; sleep 1; exit 8'
const termBlockedMessage = 'its unshare keeps TERM from scripts (util-linux 2.38 does not)'
const probeTimeoutMs = 10_000

/** Throws a SettingsError with this machine's own words where there is no way. */
export async function detectPidNamespace(environment: Record<string, string>): Promise<readonly string[]> {
  const failures = new Set<string>()
  for (const options of unshareOptions) {
    const commandPrefix = [
      'unshare',
      ...options,
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '/bin/sh',
      initScript,
    ]
    const script = { file: '/bin/sh', args: ['-c', termProbe], env: environment, through: commandPrefix }
    const { result, stderr } = await collectOutput(
      { ...script, timeoutMs: probeTimeoutMs, killGraceMs: 1000 },
      1000,
    )
    if (result.exitCode === 7) return commandPrefix
    const defaultMessage = result.error ? 'there is no unshare (util-linux) in its PATH' : termBlockedMessage
    failures.add(stderr.trim() || defaultMessage)
  }
  throw new SettingsError(
    `PID_NAMESPACE is own, but this machine gives scripts no namespace of their own: ${[...failures].join('; ')}`,
  )
}
