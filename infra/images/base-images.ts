/**
 * Creates the base images of the Dockerfiles under their official names instead of pulling them: Debian from its mirror
 * with the Node of this repository, and images with a single program. So the Dockerfiles can be tested without an image
 * registry. Called by build.ts.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '../dev/user-error.ts'
import type { Podman } from './podman.ts'

const root = join(import.meta.dirname, '../..')
/** An image is created again when this file changes. */
const recipeHash = createHash('sha256')
  .update(readFileSync(import.meta.filename))
  .digest('hex')
  .slice(0, 16)

/** docker.io/library/node:VERSION-DEBIAN-slim: a minimal Debian with node, npm and the user node. */
export function createNodeBaseImage(podman: Podman, image: string, print: (line: string) => void): void {
  if (isUpToDate(podman, image)) return
  const debian = /:[\d.]+-(\w+)-slim$/.exec(image)?.[1]
  if (debian === undefined) throw new UserError(`${image} is not node:VERSION-DEBIAN-slim`)
  print(`Creating ${image} from Debian ${debian}; this takes a minute.`)
  withTempFolder(podman, (rootFolder) => {
    // The only library that Node needs beyond a minimal Debian. The official image has it too.
    const options = ['--variant=minbase', '--include=libatomic1']
    runOrThrow('debootstrap', [...options, debian, rootFolder, 'http://deb.debian.org/debian'])
    runOrThrow('chroot', [rootFolder, 'groupadd', '--gid', '1000', 'node'])
    runOrThrow('chroot', [
      rootFolder,
      'useradd',
      '--uid',
      '1000',
      '--gid',
      'node',
      '--shell',
      '/bin/bash',
      '-m',
      'node',
    ])
    cpSync(join(root, 'node_modules/node/bin/node'), join(rootFolder, 'usr/local/bin/node'))
    cpSync(npmFolder(), join(rootFolder, 'usr/local/lib/node_modules/npm'), { recursive: true })
    runOrThrow('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(rootFolder, 'usr/local/bin/npm')])
    rmSync(join(rootFolder, 'var/cache/apt/archives'), { recursive: true, force: true })
    mkdirSync(join(rootFolder, 'var/cache/apt/archives/partial'), { recursive: true })
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    importImage(podman, rootFolder, image, ['--change', `ENV ${path}`, '--change', 'CMD ["node"]'])
  })
}

/** An image that contains one static program at `path`. */
export function createProgramImage(podman: Podman, image: string, path: string, program: string): void {
  if (isUpToDate(podman, image)) return
  withTempFolder(podman, (rootFolder) => {
    mkdirSync(join(rootFolder, dirname(path)), { recursive: true })
    cpSync(program, join(rootFolder, path))
    importImage(podman, rootFolder, image, [])
  })
}

function isUpToDate(podman: Podman, image: string): boolean {
  const format = '{{index .Labels "octopod.recipe"}}'
  return podman.has(image) && podman.run(['image', 'inspect', '--format', format, image]) === recipeHash
}

function importImage(podman: Podman, folder: string, image: string, options: string[]): void {
  const tar = `${folder}.tar`
  runOrThrow('tar', ['-C', folder, '-cf', tar, '.'])
  try {
    podman.run(['import', '--change', `LABEL octopod.recipe=${recipeHash}`, ...options, tar, image])
  } finally {
    rmSync(tar)
  }
}

function withTempFolder(podman: Podman, work: (folder: string) => void): void {
  const folder = mkdtempSync(join(podman.cache, 'draft-'))
  try {
    // mkdtemp creates the folder with mode 0700, but the root of an image must be readable for all.
    runOrThrow('chmod', ['755', folder])
    work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The npm that started this process, or the one on the PATH. */
function npmFolder(): string {
  const cli = process.env.npm_execpath ?? spawnSync('which', ['npm'], { encoding: 'utf8' }).stdout.trim()
  if (!cli) throw new UserError('npm is not on the PATH.')
  return dirname(dirname(realpathSync(cli)))
}

function runOrThrow(file: string, args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout: 600_000 })
  if (status === 0) return
  const lastLines = `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n')
  throw new UserError(`${file} failed: ${error?.message ?? lastLines}`)
}
