/**
 * The programs of a Kubernetes control plane and its clients, built from their Go modules at the versions of
 * tools/go.mod into a cache outside the repository. Built once for each set of versions; the folder appears whole or
 * not at all. By hand: `npx node infra/test-cluster/tools.ts` builds them and prints the folder.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { UserError } from '../dev/user-error.ts'

const modules = join(import.meta.dirname, 'tools')

const programs = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok',
  helm: 'helm.sh/helm/v4/cmd/helm',
  // Many installations have it still, and it applies in another way.
  helm3: 'helm.sh/helm/v3/cmd/helm',
} as const

export type Tools = { folder: string; program(name: keyof typeof programs): string }

/** The folder of the programs; builds them when they are not there (minutes), unless `stop` ends that. @throws Problem */
export async function ensureTools(print: (line: string) => void, signal?: AbortSignal): Promise<Tools> {
  const folder = toolsFolder(process.env)
  if (!existsSync(folder)) await build(folder, print, signal)
  return { folder, program: (name) => join(folder, name) }
}

/** Where they are or will be: another set of versions or another way to build has another folder. */
export function toolsFolder(environment: NodeJS.ProcessEnv): string {
  const cache = environment.XDG_CACHE_HOME || join(homedir(), '.cache')
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, buildFlags()]))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(modules, file)))
  return join(cache, 'octopod', 'kubernetes', hash.digest('hex').slice(0, 16))
}

/** No symbols: half the size. The versions are what the programs say of themselves and charts ask for. */
function buildFlags(): string[] {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(modules, 'go.mod'), 'utf8'))?.[1]
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version ?? '') ?? []
  const versionVariables = { gitVersion: version, gitMajor: major, gitMinor: minor }
  const linkerFlags = Object.entries(versionVariables).map(
    ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
  )
  return ['-trimpath', '-ldflags', ['-s', '-w', ...linkerFlags].join(' ')]
}

async function build(folder: string, print: (line: string) => void, signal?: AbortSignal): Promise<void> {
  if (spawnSync('go', ['version']).error !== undefined)
    throw new UserError(
      'The Kubernetes tools are built with Go, which is not on the PATH: install Go 1.26 or later.',
    )
  const tempFolder = `${folder}.${process.pid}.building`
  mkdirSync(tempFolder, { recursive: true })
  print(`Building the Kubernetes tools once, into ${folder}; this takes minutes.`)
  const startedAt = performance.now()
  try {
    // All at once share what they compile and keep every core busy; of the two helms, one must come later.
    const { helm3, ...others } = programs
    await runGo(['build', ...buildFlags(), '-o', `${tempFolder}/`, ...Object.values(others)], signal)
    for (const [name, path] of Object.entries(others))
      renameSync(join(tempFolder, binaryName(path)), join(tempFolder, name))
    await runGo(['build', ...buildFlags(), '-o', join(tempFolder, 'helm3'), helm3], signal)
    // Somebody else may have been quicker: theirs is as good.
    if (!existsSync(folder)) renameSync(tempFolder, folder)
  } finally {
    rmSync(tempFolder, { recursive: true, force: true })
  }
  print(`Built in ${Math.round((performance.now() - startedAt) / 1000)} s.`)
}

/** What Go calls the program of a package: the last part of its path that is no version. */
const binaryName = (path: string) =>
  path
    .replace(/\/v\d+$/, '')
    .split('/')
    .at(-1) ?? path

/** Runs Go with low priority; its words go to stderr, but for the hundreds of modules it fetches. Nothing of the caller's Go settings but where modules come from. */
function runGo(args: string[], signal: AbortSignal | undefined): Promise<void> {
  const environment = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly' }
  const child = spawn('nice', ['-n', '10', 'go', ...args], {
    cwd: modules,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!line.startsWith('go: downloading ')) console.error(line)
  })
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new UserError(signal?.aborted ? 'The Kubernetes tools are not built: stopped.' : why))
    child.once('error', (error) => fail(`go could not be started: ${error.message}`))
    child.once('close', (code, signal) => {
      if (code === 0) return resolve()
      fail(
        `go ${args[0]} ended with ${signal ?? `code ${code}`}; its words are above. Modules come from GOPROXY (see ` +
          'go env GOPROXY); without network they must be in the module cache already.',
      )
    })
  })
}

if (import.meta.main) {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())
  try {
    console.log((await ensureTools((line) => console.error(line), stopped.signal)).folder)
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error)
    process.exitCode = 1
  }
}
