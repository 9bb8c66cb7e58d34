/**
 * Values files and further options of helm. DEFAULTS sets them for all deployments (`values_files`, `helm_flags`). A
 * deployment may add a file of its chart (`values_file`) and the flags that DEFAULTS allows (`helm_flags`). Called by
 * release.mjs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { UserError } from '../../lib/arguments.mjs'
import { readChartFile, withChartFolder } from './chart-files.mjs'
import { readDefaults } from './defaults.mjs'

/** Options that the scripts set themselves, or that would make helm do something else. */
const ownFlags = [
  '-f',
  '-n',
  '--values',
  '--namespace',
  '--dry-run',
  '--install',
  '--reset-values',
  '--reuse-values',
]
/** Options that change what a chart renders. The dry run needs them too; it rejects those of an installation. */
const renderFlags = [
  ...['--post-renderer', '--post-renderer-args', '--disable-openapi-validation', '--skip-schema-validation'],
  ...['--enable-dns', '--set', '--set-string', '--set-json', '--set-file', '--set-literal'],
]

/** Their values would be visible in the list of processes, so a deployment cannot set them. */
const secretFlags = /^--(set(-[a-z]+)?|password|kube-token)$/

/** → { all, render, timeout }: options for an installation, those for rendering, and the value of --timeout. */
export function helmFlags(deployment) {
  const { helm_flags, allowed_helm_flags } = readDefaults()
  const own = (deployment.get('helm_flags') ?? '').split(/\s+/).filter(Boolean)
  for (const flag of own)
    if (!/^--[a-z][a-z-]*(=.*)?$/.test(flag) || !allowed_helm_flags.includes(nameOf(flag)))
      throw new UserError(
        `helm_flags: ${JSON.stringify(flag)} is not allowed. ${
          allowed_helm_flags.length > 0
            ? `Allowed, as --name or --name=value: ${allowed_helm_flags.join(', ')}.`
            : 'allowed_helm_flags in DEFAULTS allows none.'
        }`,
      )
  for (const flag of own)
    if (secretFlags.test(nameOf(flag)))
      throw new UserError(
        `helm_flags: ${nameOf(flag)} cannot be set, because its value would be in the list of processes. Set the key in the application config.`,
      )
  const all = [...helm_flags, ...own]
  for (const flag of all)
    if (!flag.startsWith('--') || ownFlags.includes(nameOf(flag)))
      throw new UserError(
        `helm_flags: ${JSON.stringify(flag)} cannot be set. Write a flag as --name or --name=value.`,
      )
  const timeout = all.findLast((flag) => nameOf(flag) === '--timeout')?.split('=')[1]
  return { all, render: all.filter((flag) => renderFlags.includes(nameOf(flag))), timeout }
}

/** → the values files inside the chart, in their order */
export function chartValuesFiles(deployment) {
  return valuesFiles(deployment).flatMap(({ name, isOnMachine }) => (isOnMachine ? [] : [name]))
}

/** Copies the values files into `folder`. → `-f` arguments in their order */
export async function valuesArguments(deployment, chartPath, folder) {
  const files = valuesFiles(deployment)
  if (files.length === 0) return []
  return await withChartFolder(chartPath, (chart) =>
    files.flatMap(({ name, isOnMachine }, index) => {
      const copy = join(folder, `values-${index}.yaml`)
      writeFileSync(copy, isOnMachine ? readMachineFile(name) : readChartFile(chart, name), { mode: 0o600 })
      return ['-f', copy]
    }),
  )
}

/** A file with an absolute path is on this machine. Only DEFAULTS can name one, never a user. */
function valuesFiles(deployment) {
  const { values_files } = readDefaults()
  const own = (deployment.get('values_file') ?? '').trim()
  if (own !== '' && values_files.length === 0)
    throw new UserError('values_file: DEFAULTS has no values_files, so none can be chosen.')
  return [
    ...values_files.map((name) => ({ name, isOnMachine: isAbsolute(name) })),
    ...(own === '' ? [] : [{ name: own, isOnMachine: false }]),
  ]
}

function readMachineFile(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(`The values file ${path} of DEFAULTS cannot be read: ${error.message}`)
  }
}

const nameOf = (flag) => flag.split('=')[0]
