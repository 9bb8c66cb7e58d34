/**
 * The programs of a Kubernetes control plane and its clients, built from their Go modules at the versions of
 * tools/go.mod into a cache outside the repository. Built once for each set of versions; the folder appears whole or
 * not at all. By hand: `npm run kubernetes:tools` builds them and prints the folder.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Problem } from '../local/problem.ts'

const modules = join(import.meta.dirname, 'tools')

/** What Go calls the program of each package named in go.mod → the name it has everywhere else. */
const programs = {
  server: 'etcd',
  'kube-apiserver': 'kube-apiserver',
  'kube-controller-manager': 'kube-controller-manager',
  'kube-scheduler': 'kube-scheduler',
  kubectl: 'kubectl',
  kwok: 'kwok',
  helm: 'helm',
} as const

export type Tools = { folder: string; program(name: (typeof programs)[keyof typeof programs]): string }

/** The folder of the programs; builds them when they are not there (minutes). @throws Problem */
export async function ensureTools(say: (line: string) => void): Promise<Tools> {
  const folder = toolsFolder(process.env)
  if (!existsSync(folder)) await build(folder, say)
  return { folder, program: (name) => join(folder, name) }
}

/** Where they are or will be: another set of versions or another way to build has another folder. */
export function toolsFolder(environment: NodeJS.ProcessEnv): string {
  const cache = environment.XDG_CACHE_HOME || join(homedir(), '.cache')
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, flags()]))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(modules, file)))
  return join(cache, 'octopod', 'kubernetes', hash.digest('hex').slice(0, 16))
}

/** No symbols: half the size. The versions are what the programs say of themselves and charts ask for. */
function flags(): string[] {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(modules, 'go.mod'), 'utf8'))?.[1]
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version ?? '') ?? []
  const stamps = { gitVersion: version, gitMajor: major, gitMinor: minor }
  const stamped = Object.entries(stamps).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  )
  return ['-trimpath', '-ldflags', ['-s', '-w', ...stamped].join(' ')]
}

async function build(folder: string, say: (line: string) => void): Promise<void> {
  if (spawnSync('go', ['version']).error !== undefined)
    throw new Problem('Go is not on the PATH: install Go 1.26 or later, or name a cluster by KUBECONFIG.')
  const draft = `${folder}.${process.pid}.building`
  mkdirSync(draft, { recursive: true })
  say(`Building the Kubernetes tools once, into ${folder}; this takes minutes.`)
  const startedAt = performance.now()
  try {
    await go(['build', ...flags(), '-o', `${draft}/`, 'tool'])
    for (const [built, name] of Object.entries(programs)) renameSync(join(draft, built), join(draft, name))
    if (!existsSync(folder)) renameSync(draft, folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  say(`Built in ${Math.round((performance.now() - startedAt) / 1000)} s.`)
}

/** Runs Go with low priority; its words go to stderr. Nothing of the caller's Go settings but where modules come from. */
function go(args: string[]): Promise<void> {
  const environment = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly' }
  const child = spawn('nice', ['-n', '10', 'go', ...args], {
    cwd: modules,
    env: environment,
    stdio: ['ignore', 2, 2],
  })
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Problem(`go could not be started: ${error.message}`)))
    child.once('exit', (code, signal) => {
      if (code === 0) return resolve()
      reject(
        new Problem(
          `go ${args[0]} ended with ${signal ?? `code ${code}`}: its words are above. Modules come from GOPROXY ` +
            `(go env GOPROXY); without network they must be in the module cache already.`,
        ),
      )
    })
  })
}

if (import.meta.main) {
  try {
    console.log((await ensureTools((line) => console.error(line))).folder)
  } catch (error) {
    console.error(error instanceof Problem ? error.message : error)
    process.exit(1)
  }
}
