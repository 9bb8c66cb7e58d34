/**
 * Builds the programs of a Kubernetes control plane, kubectl and helm from their Go modules, at the versions of
 * tools/go.mod, into a cache outside the repository. Each set of versions is built once, and its folder appears only
 * when it is complete. A build that was stopped continues with the first missing program. Called by start.ts, the
 * images and the tests. `npx node infra/test-cluster/tools.ts` builds them and prints the folder.
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

/** In the order of the build: the small ones first, because a stopped build keeps what is finished. */
const programs = {
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  helm: 'helm.sh/helm/v4/cmd/helm',
  // Many installations still use Helm 3, which applies manifests in another way.
  helm3: 'helm.sh/helm/v3/cmd/helm',
  etcd: 'go.etcd.io/etcd/server/v3',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
} as const

const progressIntervalMs = 15_000

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
  const unfinished = `${folder}.unfinished`
  const tempFolder = `${folder}.${process.pid}.building`
  const names = Object.keys(programs) as (keyof typeof programs)[]
  const isBuilt = (name: string) => existsSync(join(unfinished, name))
  const earlier = names.filter(isBuilt).length
  print(`Building the Kubernetes tools once, into ${folder}; this takes several minutes.`)
  if (earlier > 0) print(`${earlier} of ${names.length} programs are there from an earlier build.`)
  const startedAtMs = performance.now()
  mkdirSync(tempFolder, { recursive: true })
  try {
    for (const name of names) {
      // Another process may build the same programs at the same time.
      if (existsSync(folder)) break
      if (isBuilt(name)) continue
      await buildProgram(name, join(tempFolder, name), print, signal)
      mkdirSync(unfinished, { recursive: true })
      renameSync(join(tempFolder, name), join(unfinished, name))
      const built = names.filter(isBuilt).length
      print(`${built} of ${names.length}: ${name} is built, ${elapsed(startedAtMs)} after the start.`)
    }
    if (existsSync(folder)) rmSync(unfinished, { recursive: true, force: true })
    else renameSync(unfinished, folder)
  } finally {
    rmSync(tempFolder, { recursive: true, force: true })
  }
  print(`Built in ${elapsed(startedAtMs)}.`)
}

/** Prints how far the program is every few seconds. Go itself keeps the compiled packages of a stopped build. */
async function buildProgram(
  name: keyof typeof programs,
  file: string,
  print: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const startedAtMs = performance.now()
  const counts = { packages: 0, modules: 0 }
  const timer = setInterval(
    () =>
      print(
        `${name}: ${counts.packages} packages compiled, ${counts.modules} modules downloaded, ${elapsed(startedAtMs)}.`,
      ),
    progressIntervalMs,
  )
  try {
    await runGo(['build', '-v', ...buildFlags(), '-o', file, programs[name]], signal, (line) => {
      if (line.startsWith('go: downloading ')) counts.modules += 1
      // With -v Go prints the name of each package that it compiles.
      else if (/^[^\s:]+$/.test(line)) counts.packages += 1
      else console.error(line)
    })
  } finally {
    clearInterval(timer)
  }
}

function elapsed(startedAtMs: number): string {
  const seconds = Math.round((performance.now() - startedAtMs) / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** Runs Go with low priority. The caller's GOFLAGS and GOWORK are ignored. */
function runGo(
  args: string[],
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<void> {
  const environment = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly' }
  const child = spawn('nice', ['-n', '10', 'go', ...args], {
    cwd: modules,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  })
  createInterface({ input: child.stderr }).on('line', onLine)
  return new Promise((resolve, reject) => {
    const fail = (reason: string) =>
      reject(
        new UserError(
          signal?.aborted
            ? 'The build of the Kubernetes tools was stopped. The next one continues where it ended.'
            : reason,
        ),
      )
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
