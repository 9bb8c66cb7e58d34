/** Renders and lints Octopod's chart with a helm program. Used by the chart tests here and in test/kubernetes. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { toolsFolder } from '../../../infra/test-cluster/tools.ts'

export const chart = fileURLToPath(new URL('../../../infra/chart', import.meta.url))

/** A Kubernetes object. Tests read its fields by path. */
export type Manifest = {
  kind: string
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> }
  [field: string]: unknown
}
export type Values = Record<string, unknown>

export type Helm = {
  /** @throws Error with Helm's output when it fails */
  render(values: Values, ...files: string[]): Manifest[]
  lint(...files: string[]): string
}

/** The helm on the PATH, else the one of the Kubernetes tools, else null. */
export function findHelm(): string | null {
  if (spawnSync('helm', ['version']).status === 0) return 'helm'
  const built = join(toolsFolder(process.env), 'helm')
  return existsSync(built) ? built : null
}

export function createHelm(program: string): Helm {
  const call = (args: string[], input = '') => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', input })
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
    return stdout
  }
  return {
    render: (values, ...files) => {
      const from = files.flatMap((file) => ['--values', join(chart, file)])
      // Without this version, a helm built from its Go module would assume another one.
      const options = ['--namespace', 'octopod', '--kube-version', '1.34.0']
      const text = call(
        ['template', 'octopod', chart, ...options, ...from, '--values', '-'],
        JSON.stringify(values),
      )
      return parseAllDocuments(text)
        .map((document) => document.toJS())
        .filter(Boolean)
    },
    lint: (...files) =>
      call(['lint', '--strict', chart, ...files.flatMap((file) => ['--values', join(chart, file)])]),
  }
}

export function find(manifests: Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  if (found === undefined) throw new Error(`no ${kind} ${name}`)
  return found
}

type Source = { name: string; key: string; optional?: boolean }
type Variable = { name: string; value?: string; valueFrom?: { secretKeyRef: Source } }
export type Container = {
  name: string
  image: string
  command?: string[]
  env?: Variable[]
  envFrom?: { configMapRef: { name: string } }[]
  securityContext?: Record<string, unknown>
  [field: string]: unknown
}
export type PodSpec = {
  containers: Container[]
  initContainers?: Container[]
  securityContext: Record<string, unknown>
  terminationGracePeriodSeconds?: number
  automountServiceAccountToken?: boolean
  serviceAccountName?: string
  [field: string]: unknown
}

/** The pod spec of a workload; null for other kinds. */
export function podOf(manifest: Manifest): PodSpec | null {
  const spec = manifest.spec as { template?: { spec: PodSpec } } | undefined
  return spec?.template?.spec ?? null
}

/** The environment of a container, resolved from the rendered ConfigMaps and Secrets. */
export function environmentOf(manifests: Manifest[], container: Container): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const { configMapRef } of container.envFrom ?? [])
    Object.assign(environment, find(manifests, 'ConfigMap', configMapRef.name).data)
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) environment[name] = value ?? ''
    else {
      const { secretKeyRef } = valueFrom
      const { stringData } = find(manifests, 'Secret', secretKeyRef.name)
      const text = (stringData as Record<string, string>)[secretKeyRef.key]
      if (text === undefined) throw new Error(`no key ${secretKeyRef.key} in ${secretKeyRef.name}`)
      environment[name] = text
    }
  }
  return environment
}
