/**
 * Starts, queries and stops one process of a deployment. The process keeps running after the script ends. It is
 * identified by an id in its command line, because another process may get the same process id later. run/<index>.json
 * contains { pid, id, port }. Index 0 has the port of the link. Called by lifecycle.mjs, health.mjs and demo-app.mjs.
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../lib/arguments.mjs'

const appFile = join(import.meta.dirname, 'demo-app.mjs')
const startTimeoutMs = 10_000
const stopTimeoutMs = 3_000
const requestTimeoutMs = 5_000

/** Resolves when the process answers. @throws UserError with its last output if it does not */
export async function startReplica(folder, index, port, id) {
  mkdirSync(join(folder, 'run'), { recursive: true })
  const logFile = join(folder, `app-${index}.log`)
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(process.execPath, [appFile, folder, String(index), String(port), id], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  child.unref()
  writeFirstRun(folder, index, { pid: child.pid, id, port: null })
  let ended = false
  child.on('exit', () => {
    ended = true
  })
  const end = performance.now() + startTimeoutMs
  while (!ended && performance.now() < end) {
    if ((await queryReplica(folder, index)) !== null) return
    await sleep(20)
  }
  const lastLines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n')
  throw new UserError(
    `Replica ${index} ${ended ? 'ended during its start' : 'does not answer'}. ${lastLines}`.trim(),
  )
}

/** → { status, id, tag… }; null if the process is down or another program answers */
export async function queryReplica(folder, index) {
  const run = readRun(folder, index)
  if (run === null || run.port === null) return null
  const answer = await getJson(`http://127.0.0.1:${run.port}/identity`)
  return answer !== null && answer.id === run.id ? answer : null
}

/** Whether the process runs. */
export async function isReplicaRunning(folder, index) {
  const run = readRun(folder, index)
  return run !== null && (await isOwnProcess(run))
}

/** → whether the process was running */
export async function stopReplica(folder, index) {
  const run = readRun(folder, index)
  const wasRunning = run !== null && (await isOwnProcess(run))
  if (wasRunning) {
    await signalAndWait(run, 'SIGTERM', stopTimeoutMs)
    await signalAndWait(run, 'SIGKILL', stopTimeoutMs)
    if (await isOwnProcess(run)) throw new UserError(`Process ${run.pid} of replica ${index} does not end.`)
  }
  rmSync(runFile(folder, index), { force: true })
  return wasRunning
}

/** The indexes of all run files, whether their process runs or not. */
export function listReplicas(folder) {
  try {
    return readdirSync(join(folder, 'run')).flatMap((file) => /^(\d+)\.json$/.exec(file)?.[1] ?? [])
  } catch {
    return []
  }
}

export function readRun(folder, index) {
  try {
    return JSON.parse(readFileSync(runFile(folder, index), 'utf8'))
  } catch {
    return null
  }
}

/** Writes the run file atomically. */
export function writeRun(folder, index, run) {
  renameSync(writeTempFile(folder, index, run), runFile(folder, index))
}

/** Does not overwrite an existing file: the process itself may have written it first, with its port. */
function writeFirstRun(folder, index, run) {
  const tempFile = writeTempFile(folder, index, run)
  try {
    linkSync(tempFile, runFile(folder, index))
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  } finally {
    rmSync(tempFile)
  }
}

function writeTempFile(folder, index, run) {
  const tempFile = `${runFile(folder, index)}.${process.pid}`
  writeFileSync(tempFile, JSON.stringify(run), { mode: 0o600 })
  return tempFile
}

function runFile(folder, index) {
  return join(folder, 'run', `${index}.json`)
}

async function signalAndWait(run, name, timeoutMs) {
  const end = performance.now() + timeoutMs
  if (!(await isOwnProcess(run))) return
  try {
    process.kill(run.pid, name)
  } catch {
    return
  }
  while ((await isOwnProcess(run)) && performance.now() < end) await sleep(20)
}

/** Whether the process is the app of this deployment: only its command line contains the id. */
async function isOwnProcess({ pid, id }) {
  try {
    return (await commandLine(pid)).includes(id)
  } catch {
    return false
  }
}

async function commandLine(pid) {
  if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  const { execFileSync } = await import('node:child_process')
  return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(' ')
}

function getJson(url) {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: requestTimeoutMs }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
        if (text.length > 10_000) request.destroy()
      })
      response.on('end', () => {
        try {
          resolve({ ...JSON.parse(text), status: response.statusCode })
        } catch {
          resolve(null)
        }
      })
      response.on('error', () => resolve(null))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(null))
    request.on('close', () => resolve(null))
  })
}
