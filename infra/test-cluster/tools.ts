/**
 * Builds the programs of a Kubernetes control plane, kubectl and helm from their Go modules, at the versions of
 * tools/go.mod, into a cache outside the repository. Each set of versions is built once, and its folder appears only
 * when it is complete. Called by start.ts, the images and the tests. `npx node infra/test-cluster/tools.ts` builds them
 * and prints the folder.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { exitOnHelp } from '../../lib/node/help.ts'
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
  // Many installations still use Helm 3, which applies manifests in another way.
  helm3: 'helm.sh/helm/v3/cmd/helm',
} as const

export type Tools = { folder: string; program(name: keyof typeof programs): string }

/** Builds the programs if they are missing, which takes minutes. `signal` aborts the build. @throws UserError */
export async function ensureTools(print: (line: string) => void, signal?: AbortSignal): Promise<Tools> {
  const folder = toolsFolder(process.env)
  if (!existsSync(folder)) await build(folder, print, signal)
  return { folder, program: (name) => join(folder, name) }
}

/** The folder of the programs. It depends on the versions and the build flags, and may not exist. */
export function toolsFolder(environment: NodeJS.ProcessEnv): string {
  const cache = environment.XDG_CACHE_HOME || join(homedir(), '.cache')
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, buildFlags()]))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(modules, file)))
  return join(cache, 'octopod', 'kubernetes', hash.digest('hex').slice(0, 16))
}

/** Without symbols, which halves the size. The programs report the version variables, and charts read them. */
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
  print(`Building the Kubernetes tools once, into ${folder}; this takes several minutes.`)
  const startedAt = performance.now()
  try {
    // One command shares compiled packages and uses all cores. Helm 3 needs a second command, because both are called
    // helm.
    const { helm3, ...others } = programs
    await runGo(['build', ...buildFlags(), '-o', `${tempFolder}/`, ...Object.values(others)], signal)
    for (const [name, path] of Object.entries(others))
      renameSync(join(tempFolder, binaryName(path)), join(tempFolder, name))
    await runGo(['build', ...buildFlags(), '-o', join(tempFolder, 'helm3'), helm3], signal)
    // Another process may have built the same programs in the meantime.
    if (!existsSync(folder)) renameSync(tempFolder, folder)
  } finally {
    rmSync(tempFolder, { recursive: true, force: true })
  }
  print(`Built in ${Math.round((performance.now() - startedAt) / 1000)} s.`)
}

/** The file name that Go chooses: the last part of the package path that is not a version. */
const binaryName = (path: string) =>
  path
    .replace(/\/v\d+$/, '')
    .split('/')
    .at(-1) ?? path

/**
 * Runs Go with low priority. Its output goes to stderr, without the downloads. The caller's GOFLAGS and GOWORK are
 * ignored.
 */
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
    const fail = (reason: string) =>
      reject(new UserError(signal?.aborted ? 'The build of the Kubernetes tools was stopped.' : reason))
    child.once('error', (error) => fail(`go could not be started: ${error.message}`))
    child.once('close', (code, signal) => {
      if (code === 0) return resolve()
      fail(
        `go ${args[0]} ended with ${signal ?? `code ${code}`}; see its output above. Go downloads modules from GOPROXY (see ` +
          'go env GOPROXY); without network they must be in the module cache.',
      )
    })
  })
}

if (import.meta.main) {
  exitOnHelp(`npx node infra/test-cluster/tools.ts

Builds the programs of the test cluster with Go, and prints their folder.`)
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())
  try {
    console.log((await ensureTools((line) => console.error(line), stopped.signal)).folder)
  } catch (error) {
    console.error(error instanceof UserError ? error.message : error)
    process.exitCode = 1
  }
}
