/**
 * Passes the user's npmrc and extra CA certificates to npm inside an image build. They are one build secret, so no
 * image layer contains them. Called by build.ts.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** → arguments for `podman build`, and `remove`, which deletes the secret file */
export function createNpmrcSecret(environment: NodeJS.ProcessEnv): { args: string[]; remove(): void } {
  const npmrc = environment.NPM_CONFIG_USERCONFIG || join(homedir(), '.npmrc')
  const lines = existsSync(npmrc) ? [readFileSync(npmrc, 'utf8').trimEnd()] : []
  const certificates = environment.NODE_EXTRA_CA_CERTS
  if (certificates && existsSync(certificates))
    lines.push(...certificateSettings(readFileSync(certificates, 'utf8')))
  const folder = mkdtempSync(join(tmpdir(), 'octopod-npmrc-'))
  const file = join(folder, 'npmrc')
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  return {
    args: ['--secret', `id=npmrc,src=${file}`],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** npm's setting `ca[]` for each certificate, with line ends written as `\n`. */
function certificateSettings(bundle: string): string[] {
  const found = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return found.map((certificate) => `ca[]=${JSON.stringify(certificate)}`)
}
