/** Runs helm. It gets only the credentials of the repository that it uses. */
import { UserError } from '../../lib/arguments.mjs'
import { getOrCompute } from '../../lib/cache.mjs'
import { CommandError, runCommand } from '../../lib/command.mjs'
import { clusterEnvironment } from '../../lib/kubernetes/kubectl.mjs'

const defaultTimeoutMs = 60_000
const versionFreshMs = 24 * 60 * 60 * 1000

export async function helm(args, { env = {}, timeoutMs = defaultTimeoutMs } = {}) {
  try {
    return await runCommand(process.env.HELM_BIN || 'helm', args, {
      env: { ...clusterEnvironment(), ...env },
      timeoutMs,
    })
  } catch (error) {
    if (error instanceof CommandError) error.message = withoutLog(error.message)
    throw error
  }
}

/** Helm 4 prints its error twice: as a line of its log, and as the error. `stderr` of the error keeps both. */
function withoutLog(text) {
  const lines = text.split('\n').filter((line) => !/^level=[A-Z]+ msg=/.test(line))
  return lines.some((line) => line.startsWith('Error: ')) ? lines.join('\n') : text
}

/** The major version of helm, because versions 3 and 4 need different options. Cached for a day. */
export function helmMajor() {
  const bin = process.env.HELM_BIN || 'helm'
  return getOrCompute('versions', [bin, process.env.PATH], { freshMs: versionFreshMs }, async () => {
    const output = await helm(['version', '--template', '{{.Version}}'])
    const [, major] = /^v?(\d+)\./.exec(output.trim()) ?? []
    if (major === undefined) throw new UserError(`${bin} does not print its version.`)
    return Number(major)
  })
}
