/**
 * `npx node infra/images/build.ts`: builds the images of the Dockerfiles without a Docker engine and without a registry of images, on stand-ins for
 * their base images. Where there is Docker, `docker build` does the same; the first lines of the Dockerfiles say how.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
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

/** @throws Problem */
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

/** Whether the image with helm and kubectl can be built without minutes of building those first. */
export function areToolsBuilt(): boolean {
  return existsSync(toolsFolder(process.env))
}

/** The default of a build argument: the Dockerfiles are where versions are written. */
export function baseImage(argument: 'NODE_IMAGE' | 'HELM_IMAGE' | 'KUBECTL_IMAGE'): string {
  const found = new RegExp(`^ARG ${argument}=(\\S+)$`, 'm').exec(
    readFileSync(join(root, 'Dockerfile.runner'), 'utf8'),
  )?.[1]
  if (found === undefined) throw new UserError(`Dockerfile.runner has no ${argument}`)
  return found
}

if (import.meta.main) {
  try {
    const known = Object.keys(images) as ImageName[]
    const wanted = process.argv.slice(2)
    const unknown = wanted.find((name) => !known.includes(name as ImageName))
    if (unknown) throw new UserError(`There is no image ${unknown}: ${known.join(', ')}`)
    const podman = openPodman()
    const names = wanted.length > 0 ? (wanted as ImageName[]) : known
    await buildImages(podman, names, (line) => console.error(line))
    for (const name of names) {
      const size = Number(podman.run(['image', 'inspect', '--format', '{{.Size}}', images[name].tag]))
      console.log(`${images[name].tag} ${Math.round(size / 1e6)} MB`)
    }
    console.log(`They are in the storage of: podman ${podman.globalArguments.join(' ')}`)
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error)
    process.exitCode = 1
  }
}
