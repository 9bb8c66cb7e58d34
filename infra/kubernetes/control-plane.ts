/**
 * A Kubernetes cluster without machines, for one test run or one person: etcd, API server, controllers and scheduler
 * are the real ones, nodes and pods are played by kwok (stages.yaml). up.ts and the tests start it.
 */
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Child, describeExit, startChild } from '../local/child.ts'
import { openLog } from '../local/log-file.ts'
import { freePort } from '../local/port.ts'
import { Problem } from '../local/problem.ts'
import { waitUntil } from '../local/wait.ts'
import { lastWords } from '../local/words.ts'
import { apiServer, type Component, etcd, followers, type Place } from './components.ts'
import type { Tools } from './tools.ts'

const readyTimeoutMs = 120_000
const run = promisify(execFile)

export type ControlPlane = {
  /** The file for KUBECONFIG: an administrator of the cluster. */
  kubeconfig: string
  /** Rejects when one of its programs ends by itself. */
  broken: Promise<never>
  /** Ends all programs, the last come first, and removes the folder. */
  stop(): Promise<void>
}

/** Resolves when a pod could be scheduled and started. @throws Problem; nothing is left running then. */
export async function startControlPlane(tools: Tools): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-kubernetes-'))
  const place: Place = { folder, file: (name) => join(folder, name), port: await freePort() }
  const children: Child[] = []
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  let stopping = false
  const stop = async () => {
    stopping = true
    for (const child of children.toReversed()) await child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const up = (component: Component) => {
    const child = startComponent(tools, place, component)
    children.push(child)
    child.exited.then((exit) => {
      if (!stopping)
        broken.reject(
          new Problem([`${component.title} ${describeExit(exit)}.`, ...lastWords(child)].join('\n')),
        )
    })
  }
  try {
    await Promise.race([broken.promise, start(tools, place, up)])
    return { kubeconfig: place.file('kubeconfig'), broken: broken.promise, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(tools: Tools, place: Place, up: (component: Component) => void): Promise<void> {
  // First what the programs must find: folders, credentials, the stages.
  for (const name of ['logs', 'certificates']) mkdirSync(place.file(name), { mode: 0o700 })
  const token = writeCredentials(place)
  copyFileSync(join(import.meta.dirname, 'stages.yaml'), place.file('stages.yaml'))

  // Then the API server on its store. It writes its certificate, and the authority's behind it, before it answers.
  up(etcd(place))
  up(apiServer(place))
  const certificate = place.file('certificates/apiserver.crt')
  await ready('The API server', async () => {
    const [, authority = ''] = readFileSync(certificate, 'utf8').split(/(?<=-----END CERTIFICATE-----\n)/)
    writeFileSync(place.file('authority.crt'), authority)
    writeKubeconfig(place, token, authority)
    return (await kubectl(tools, place, 'get', '--raw', '/readyz')) === 'ok'
  })

  // Finally those who work on it, and what they need: nodes and classes.
  for (const component of followers(place)) up(component)
  await kubectl(tools, place, 'apply', '--filename', join(import.meta.dirname, 'cluster.yaml'))
  await ready('The node', async () => {
    const nodes = await kubectl(tools, place, 'get', 'nodes', '--output=jsonpath={.items[*].status.phase}')
    // Pods need the service account that the controllers make in each namespace.
    return (
      nodes === 'Running' &&
      (await kubectl(tools, place, 'get', 'serviceaccount', 'default', '--output=name')) !== ''
    )
  })
}

function startComponent(tools: Tools, place: Place, { program, args }: Component): Child {
  return startChild({
    name: program,
    file: tools.program(program),
    args,
    env: { HOME: place.folder, TMPDIR: place.folder, PATH: process.env.PATH },
    cwd: place.folder,
    log: openLog(place.file(`logs/${program}.log`)),
  })
}

/** The administrator's token, and the key that signs the tokens of service accounts. */
function writeCredentials(place: Place): string {
  const token = randomBytes(24).toString('base64url')
  writeFileSync(place.file('tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'sec1', format: 'pem' })
  writeFileSync(place.file('service-accounts.key'), pem, { mode: 0o600 })
  return token
}

function writeKubeconfig(place: Place, token: string, certificate: string): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'octopod',
        cluster: {
          server: `https://127.0.0.1:${place.port}`,
          'certificate-authority-data': Buffer.from(certificate).toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'octopod', context: { cluster: 'octopod', user: 'admin' } }],
    'current-context': 'octopod',
  }
  writeFileSync(place.file('kubeconfig'), JSON.stringify(config), { mode: 0o600 })
}

async function kubectl(tools: Tools, place: Place, ...args: string[]): Promise<string> {
  const env = { HOME: place.folder, PATH: process.env.PATH }
  const given = [`--kubeconfig=${place.file('kubeconfig')}`, '--request-timeout=10s', ...args]
  return (await run(tools.program('kubectl'), given, { env, timeout: 30_000 })).stdout
}

/** Asks until it says yes; what it throws means "not yet". */
async function ready(what: string, ask: () => Promise<boolean>): Promise<void> {
  let last: unknown = null
  const check = () =>
    ask().catch((error: unknown) => {
      last = error
      return false
    })
  if (await waitUntil(check, { timeoutMs: readyTimeoutMs })) return
  const words = last instanceof Error ? `: ${last.message}` : ''
  throw new Problem(`${what} was not ready after ${readyTimeoutMs / 1000} seconds${words}.`)
}
