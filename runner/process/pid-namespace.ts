/**
 * Detects how to start each script in a PID namespace of its own (PID_NAMESPACE=own). The kernel then ends everything
 * that the script has started when it ends, even processes with another group and environment. Called by
 * open-runner.ts.
 */
import { fileURLToPath } from 'node:url'
import { SettingsError } from '../../domain/settings/read-settings.ts'
import { collectOutput } from './process.ts'

const initScript = fileURLToPath(new URL('pid-namespace.sh', import.meta.url))
/** Root may create a PID namespace. Other users need a user namespace, which some kernels forbid. */
const unshareOptions = [[], ['--user', '--map-current-user']]
/**
 * Exits with 7 when TERM reaches the script. Before util-linux 2.38, unshare blocks TERM or kills the script at once.
 */
const termProbe = 'trap "exit 7" TERM; kill -s TERM 0; sleep 1; exit 8'
const termBlockedMessage = 'unshare does not pass TERM to scripts (util-linux 2.38 does)'
const probeTimeoutMs = 10_000

/**
 * Returns the command prefix. Throws a SettingsError with the messages of this machine when it cannot create PID
 * namespaces.
 */
export async function detectPidNamespace(environment: Record<string, string>): Promise<readonly string[]> {
  const failures = new Set<string>()
  for (const options of unshareOptions) {
    const unshare = ['unshare', ...options, '--pid', '--fork', '--kill-child', '--mount-proc']
    const commandPrefix = [...unshare, '/bin/sh', initScript]
    const probe = { file: '/bin/sh', args: ['-c', termProbe], env: environment, commandPrefix }
    const limits = { timeoutMs: probeTimeoutMs, killGraceMs: 1000 }
    const { result, stderr } = await collectOutput({ ...probe, ...limits }, 1000)
    if (result.exitCode === 7) return commandPrefix
    const defaultMessage = result.error ? 'there is no unshare (util-linux) in PATH' : termBlockedMessage
    failures.add(stderr.trim() || defaultMessage)
  }
  throw new SettingsError(
    `PID_NAMESPACE is own, but this machine cannot create a PID namespace for scripts: ${[...failures].join('; ')}`,
  )
}
