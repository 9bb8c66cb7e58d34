/**
 * `npx node infra/images/build.ts`: builds the images of the Dockerfiles with podman, without Docker and without an
 * image registry. It creates the base images itself. With Docker, use `docker build` instead; the first lines of the
 * Dockerfiles show the command.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitOnHelp } from '../../lib/node/help.ts'
import { UserError } from '../dev/user-error.ts'
import { ensureTools, toolsFolder } from '../test-cluster/tools.ts'
import { createNodeBaseImage, createProgramImage } from './base-images.ts'
import { createNpmrcSecret } from './ca-certificates.ts'
import { openPodman, type Podman } from './podman.ts'

const root = join(import.meta.dirname, '../..')

export const images = {
  server: { file: 'Dockerfile.server', target: null, tag: 'localhost/octopod-server' },
  runner: { file: 'Dockerfile.runner', target: 'runner', tag: 'localhost/octopod-runner' },
  helm: { file: 'Dockerfile.runner', target: 'helm', tag: 'localhost/octopod-runner-helm' },
} as const
export type ImageName = keyof typeof images

/** @throws UserError */
export async function buildImages(
  podman: Podman,
  names: readonly ImageName[],
  print: (line: string) => void,
): Promise<void> {
  createNodeBaseImage(podman, baseImage('NODE_IMAGE'), print)
  if (names.includes('helm')) await createProgramImages(podman, print)
  const revision = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim()
  const npmrcSecret = createNpmrcSecret(process.env)
  try {
    for (const name of names) {
      const { file, target, tag } = images[name]
      const options = [
        '--pull=never',
        '--format=docker',
        '--isolation=chroot',
        '--layers',
        ...npmrcSecret.args,
      ]
      const which = target === null ? [] : ['--target', target]
      const args = [
        ...['--build-arg', `GIT_REVISION=${revision || 'unknown'}`],
        ...['--tag', tag, '--file', join(root, file)],
      ]
      await podman.runStreaming(['build', ...options, ...which, ...args, root], print)
    }
  } finally {
    npmrcSecret.remove()
  }
}

async function createProgramImages(podman: Podman, print: (line: string) => void): Promise<void> {
  const tools = await ensureTools(print)
  createProgramImage(podman, baseImage('HELM_IMAGE'), 'usr/bin/helm', tools.program('helm'))
  createProgramImage(podman, baseImage('KUBECTL_IMAGE'), 'bin/kubectl', tools.program('kubectl'))
}

/** Whether helm and kubectl are built already. If not, the helm image takes several minutes more. */
export function areToolsBuilt(): boolean {
  return existsSync(toolsFolder(process.env))
}

/** The default of a build argument. The Dockerfiles are the only place for image versions. */
function baseImage(argument: 'NODE_IMAGE' | 'HELM_IMAGE' | 'KUBECTL_IMAGE'): string {
  const found = new RegExp(`^ARG ${argument}=(\\S+)$`, 'm').exec(
    readFileSync(join(root, 'Dockerfile.runner'), 'utf8'),
  )?.[1]
  if (found === undefined) throw new UserError(`Dockerfile.runner has no ARG ${argument}`)
  return found
}

if (import.meta.main) {
  exitOnHelp(`npx node infra/images/build.ts [server | runner | helm]...

Builds the container images with podman, without a Docker engine and without an image registry.
Needs root on Linux, and podman, runc and debootstrap.`)
  try {
    const known = Object.keys(images) as ImageName[]
    const requested = process.argv.slice(2)
    const unknown = requested.find((name) => !known.includes(name as ImageName))
    if (unknown) throw new UserError(`Unknown image ${unknown}: choose from ${known.join(', ')}`)
    const podman = openPodman()
    const names = requested.length > 0 ? (requested as ImageName[]) : known
    await buildImages(podman, names, (line) => console.error(line))
    for (const name of names) {
      const size = Number(podman.run(['image', 'inspect', '--format', '{{.Size}}', images[name].tag]))
      console.log(`${images[name].tag} ${Math.round(size / 1e6)} MB`)
    }
    console.log(`Use them with: podman ${podman.globalArguments.join(' ')}`)
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error)
    process.exitCode = 1
  }
}
