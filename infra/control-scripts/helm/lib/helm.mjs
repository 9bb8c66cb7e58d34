/** Runs helm; it sees the credentials of nobody but the repository it is sent to. */
import { Refusal } from '../../lib/arguments.mjs'
import { remembered } from '../../lib/cache.mjs'
import { runCommand } from '../../lib/command.mjs'
import { clusterEnvironment } from '../../lib/kubernetes/kubectl.mjs'

const askMs = 60_000
const keptMs = 24 * 60 * 60 * 1000

export function helm(args, { env = {}, timeoutMs = askMs } = {}) {
  return runCommand(process.env.HELM_BIN || 'helm', args, {
    env: { ...clusterEnvironment(), ...env },
    timeoutMs,
  })
}

/** Asked once a day for each helm: the versions differ in what has to be said to them. */
export function helmMajor() {
  const bin = process.env.HELM_BIN || 'helm'
  return remembered('versions', [bin, process.env.PATH], { freshMs: keptMs }, async () => {
    const said = await helm(['version', '--template', '{{.Version}}'])
    const [, major] = /^v?(\d+)\./.exec(said.trim()) ?? []
    if (major === undefined) throw new Refusal(`${bin} does not say its version.`)
    return Number(major)
  })
}
