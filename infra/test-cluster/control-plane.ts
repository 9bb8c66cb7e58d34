/**
 * Starts a Kubernetes cluster without machines, for one test run or one person. etcd, API server, controllers and
 * scheduler are the real ones; kwok simulates nodes and pods (stages.yaml). Called by start.ts and the tests.
 */
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pollUntil } from '../../lib/node/poll-until.ts'
import { freePort } from '../../lib/node/ports.ts'
import { describeExit, type RunningProgram, spawnProgram } from '../../lib/node/spawn-program.ts'
import { openLog } from '../dev/log-file.ts'
import { lastOutputLines } from '../dev/messages.ts'
import { UserError } from '../dev/user-error.ts'
import { apiServer, type ClusterContext, type Component, controllers, etcd } from './components.ts'
import type { Tools } from './tools.ts'

const readyTimeoutMs = 120_000
const execFileAsync = promisify(execFile)

export type ControlPlane = {
  /** A kubeconfig file with administrator permissions. */
  kubeconfig: string
  /** Rejects when one of its programs ends unexpectedly. */
  failed: Promise<never>
  /** Stops all programs in reverse order and removes the folder. */
  stop(): Promise<void>
}

/** Resolves when pods can be scheduled. @throws UserError, after all programs have been stopped */
export async function startControlPlane(tools: Tools): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-kubernetes-'))
  const cluster: ClusterContext = { folder, file: (name) => join(folder, name), port: await freePort() }
  const running: RunningProgram[] = []
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  let stopping = false
  const stop = async () => {
    stopping = true
    for (const program of running.toReversed()) await program.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const startAndWatch = (component: Component) => {
    const program = startComponent(tools, cluster, component)
    running.push(program)
    void program.exited.then((exit) => {
      if (!stopping)
        failed.reject(
          new UserError(
            [`${component.title} ${describeExit(exit)}.`, ...lastOutputLines(program)].join('\n'),
          ),
        )
    })
  }
  try {
    await Promise.race([failed.promise, startInOrder(tools, cluster, startAndWatch)])
    return { kubeconfig: cluster.file('kubeconfig'), failed: failed.promise, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startInOrder(
  tools: Tools,
  cluster: ClusterContext,
  startAndWatch: (component: Component) => void,
): Promise<void> {
  // 1. Create folders, credentials and the stages of kwok.
  for (const name of ['logs', 'certificates']) mkdirSync(cluster.file(name), { mode: 0o700 })
  const token = writeCredentials(cluster)
  copyFileSync(join(import.meta.dirname, 'stages.yaml'), cluster.file('stages.yaml'))

  // 2. Start etcd and the API server. It writes its certificate, followed by that of its authority, before it is ready.
  startAndWatch(etcd(cluster))
  startAndWatch(apiServer(cluster))
  const certificate = cluster.file('certificates/apiserver.crt')
  await waitUntilReady('The API server', async () => {
    const [, authority = ''] = readFileSync(certificate, 'utf8').split(/(?<=-----END CERTIFICATE-----\n)/)
    writeFileSync(cluster.file('authority.crt'), authority)
    writeKubeconfig(cluster, token, authority)
    return (await kubectl(tools, cluster, 'get', '--raw', '/readyz')) === 'ok'
  })

  // 3. Start controllers, scheduler and kwok, and create the node, the storage class and the ingress class.
  for (const component of controllers(cluster)) startAndWatch(component)
  await kubectl(tools, cluster, 'apply', '--filename', join(import.meta.dirname, 'cluster.yaml'))
  await waitUntilReady('The node', async () => {
    const nodes = await kubectl(tools, cluster, 'get', 'nodes', '--output=jsonpath={.items[*].status.phase}')
    // Pods need the service account that the controllers create in each namespace.
    return (
      nodes === 'Running' &&
      (await kubectl(tools, cluster, 'get', 'serviceaccount', 'default', '--output=name')) !== ''
    )
  })
}

function startComponent(tools: Tools, cluster: ClusterContext, { program, args }: Component): RunningProgram {
  return spawnProgram({
    name: program,
    file: tools.program(program),
    args,
    env: { HOME: cluster.folder, TMPDIR: cluster.folder, PATH: process.env.PATH },
    cwd: cluster.folder,
    onLine: openLog(cluster.file(`logs/${program}.log`)),
  })
}

/** Writes the administrator's token and the key that signs service account tokens. → the token */
function writeCredentials(cluster: ClusterContext): string {
  const token = randomBytes(24).toString('base64url')
  writeFileSync(cluster.file('tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'sec1', format: 'pem' })
  writeFileSync(cluster.file('service-accounts.key'), pem, { mode: 0o600 })
  return token
}

function writeKubeconfig(cluster: ClusterContext, token: string, certificate: string): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'octopod',
        cluster: {
          server: `https://127.0.0.1:${cluster.port}`,
          'certificate-authority-data': Buffer.from(certificate).toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'octopod', context: { cluster: 'octopod', user: 'admin' } }],
    'current-context': 'octopod',
  }
  writeFileSync(cluster.file('kubeconfig'), JSON.stringify(config), { mode: 0o600 })
}

async function kubectl(tools: Tools, cluster: ClusterContext, ...args: string[]): Promise<string> {
  const env = { HOME: cluster.folder, PATH: process.env.PATH }
  const fullArguments = [`--kubeconfig=${cluster.file('kubeconfig')}`, '--request-timeout=10s', ...args]
  return (await execFileAsync(tools.program('kubectl'), fullArguments, { env, timeout: 30_000 })).stdout
}

/** Polls `isReady`. An error means that it is not ready yet. */
async function waitUntilReady(name: string, isReady: () => Promise<boolean>): Promise<void> {
  let lastError: unknown = null
  const check = () =>
    isReady().catch((error: unknown) => {
      lastError = error
      return false
    })
  if (await pollUntil(check, { timeoutMs: readyTimeoutMs })) return
  const cause = lastError instanceof Error ? `: ${lastError.message}` : ''
  throw new UserError(`${name} was not ready after ${readyTimeoutMs / 1000} seconds${cause}.`)
}
