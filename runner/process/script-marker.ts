/**
 * The marker of a script in its environment, which its children inherit. It tells the processes of one script from all
 * others, and names the installation and the runner that started it. Called by process.ts, process-table.ts and
 * orphans.ts.
 */
import { randomBytes } from 'node:crypto'

/**
 * A process that clears its environment and leaves the group cannot be found; PID_NAMESPACE=own ends it nevertheless.
 */
export const markerVariable = 'OCTOPOD_PROCESS'

/** Identifies the process of a runner on this machine. */
export type RunnerProcess = { pidNamespace: string; pid: number; startTicks: string }

/** The first part of all markers of a runner. `installation`: letters, digits, - and _. */
export const createMarkerPrefix = (installation: string, runner: RunnerProcess): string =>
  `${installation}.${runner.pidNamespace}.${runner.pid}.${runner.startTicks}.`

/** A unique name without characters that are special in a shell. */
export const createMarker = (prefix = ''): string => prefix + randomBytes(9).toString('base64url')

/** Returns null for a marker without a prefix, for example of an older version. */
export function parseMarker(marker: string): { installation: string; runner: RunnerProcess } | null {
  const [, installation, pidNamespace = '', pid, startTicks = ''] =
    /^([\w-]+)\.(\d+)\.(\d+)\.(\d+)\.[\w-]+$/.exec(marker) ?? []
  return installation === undefined
    ? null
    : { installation, runner: { pidNamespace, pid: Number(pid), startTicks } }
}

/** `actionId` and `fencingToken`: null for a script that is not the script of an action. */
export type ScriptIdentity = { marker: string; actionId: number | null; fencingToken: number | null }

/** Reads /proc/PID/environ. Returns null for a process that belongs to no script. */
export function identifyScript(environ: string): ScriptIdentity | null {
  // Most processes of a machine belong to no script.
  if (!environ.includes(`${markerVariable}=`)) return null
  const variables = environ.split('\0')
  const value = (name: string) =>
    variables.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1)
  const number = (name: string) => {
    const text = value(name) ?? ''
    return /^\d{1,15}$/.test(text) ? Number(text) : null
  }
  const marker = value(markerVariable)
  return marker === undefined
    ? null
    : { marker, actionId: number('OCTOPOD_ACTION_ID'), fencingToken: number('OCTOPOD_FENCE') }
}
