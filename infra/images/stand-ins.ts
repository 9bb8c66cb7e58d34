/**
 * Base images made here instead of fetched, under the names the Dockerfiles have: Debian from its mirror with the Node of
 * this repository, and single programs. So the Dockerfiles are known to work where no registry of images can be reached.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Problem } from '../local/problem.ts'
import type { Podman } from './podman.ts'

const root = join(import.meta.dirname, '../..')
/** Made anew when this file says something else than it did. */
const recipe = createHash('sha256')
  .update(readFileSync(import.meta.filename))
  .digest('hex')
  .slice(0, 16)

/** docker.io/library/node:VERSION-DEBIAN-slim: Debian's smallest, node, npm and the user node. */
export function standInForNode(podman: Podman, image: string, say: (line: string) => void): void {
  if (isMade(podman, image)) return
  const debian = /:[\d.]+-(\w+)-slim$/.exec(image)?.[1]
  if (debian === undefined) throw new Problem(`${image} is not node:VERSION-DEBIAN-slim`)
  say(`Making ${image} from Debian ${debian}; this takes a minute.`)
  inDraft(podman, (draft) => {
    // The one library Node needs beyond Debian's smallest; it is in the official image too.
    const options = ['--variant=minbase', '--include=libatomic1']
    must('debootstrap', [...options, debian, draft, 'http://deb.debian.org/debian'])
    must('chroot', [draft, 'groupadd', '--gid', '1000', 'node'])
    must('chroot', [draft, 'useradd', '--uid', '1000', '--gid', 'node', '--shell', '/bin/bash', '-m', 'node'])
    cpSync(join(root, 'node_modules/node/bin/node'), join(draft, 'usr/local/bin/node'))
    cpSync(npmFolder(), join(draft, 'usr/local/lib/node_modules/npm'), { recursive: true })
    must('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(draft, 'usr/local/bin/npm')])
    rmSync(join(draft, 'var/cache/apt/archives'), { recursive: true, force: true })
    mkdirSync(join(draft, 'var/cache/apt/archives/partial'), { recursive: true })
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    importImage(podman, draft, image, ['--change', `ENV ${path}`, '--change', 'CMD ["node"]'])
  })
}

/** An image that has one static program under `path`. */
export function standInForProgram(podman: Podman, image: string, path: string, program: string): void {
  if (isMade(podman, image)) return
  inDraft(podman, (draft) => {
    mkdirSync(join(draft, dirname(path)), { recursive: true })
    cpSync(program, join(draft, path))
    importImage(podman, draft, image, [])
  })
}

function isMade(podman: Podman, image: string): boolean {
  const format = '{{index .Labels "octopod.recipe"}}'
  return podman.has(image) && podman.run(['image', 'inspect', '--format', format, image]) === recipe
}

function importImage(podman: Podman, folder: string, image: string, options: string[]): void {
  const tar = `${folder}.tar`
  must('tar', ['-C', folder, '-cf', tar, '.'])
  try {
    podman.run(['import', '--change', `LABEL octopod.recipe=${recipe}`, ...options, tar, image])
  } finally {
    rmSync(tar)
  }
}

function inDraft(podman: Podman, work: (folder: string) => void): void {
  const folder = mkdtempSync(join(podman.cache, 'draft-'))
  try {
    // What an image begins with is not the owner's alone.
    must('chmod', ['755', folder])
    work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The npm that started us, or the one on the PATH. */
function npmFolder(): string {
  const cli = process.env.npm_execpath ?? spawnSync('which', ['npm'], { encoding: 'utf8' }).stdout.trim()
  if (!cli) throw new Problem('There is no npm on the PATH.')
  return dirname(dirname(realpathSync(cli)))
}

function must(file: string, args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout: 600_000 })
  if (status === 0) return
  const words = `${stdout}${stderr}`.trim().split('\n').slice(-5).join('\n')
  throw new Problem(`${file} failed: ${error?.message ?? words}`)
}
