/**
 * One process of a deployment: started so that it outlives us, recognised by the id in its command line (a process
 * id alone may have passed to a stranger), asked over HTTP, stopped by TERM and then KILL.
 * run/<index>.json says who it is: { pid, id, port }; index 0 has the port of the link.
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
import { Refusal } from '../../lib/arguments.mjs'

const app = join(import.meta.dirname, 'demo-app.mjs')
const startMs = 10_000
const termMs = 3_000
const answerMs = 5_000

/** Resolves when it answers. @throws Refusal with its last words when it does not. */
export async function startReplica(folder, index, port, id) {
  mkdirSync(join(folder, 'run'), { recursive: true })
  const logFile = join(folder, `app-${index}.log`)
  const log = openSync(logFile, 'w', 0o600)
  const child = spawn(process.execPath, [app, folder, String(index), String(port), id], {
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
  const end = performance.now() + startMs
  while (!ended && performance.now() < end) {
    if ((await askReplica(folder, index)) !== null) return
    await sleep(20)
  }
  const words = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n')
  throw new Refusal(`Replica ${index} ${ended ? 'ended at its start' : 'does not answer'}. ${words}`.trim())
}

/** Its answer: { status, id, tag… }; null when it is down, or somebody else answers. */
export async function askReplica(folder, index) {
  const run = readRun(folder, index)
  if (run === null || run.port === null) return null
  const answer = await getJson(`http://127.0.0.1:${run.port}/identity`)
  return answer !== null && answer.id === run.id ? answer : null
}

/** Whether its process lives. */
export async function replicaLives(folder, index) {
  const run = readRun(folder, index)
  return run !== null && (await isApp(run))
}

/** @returns whether there was one. */
export async function stopReplica(folder, index) {
  const run = readRun(folder, index)
  const lived = run !== null && (await isApp(run))
  if (lived) {
    await signal(run, 'SIGTERM', termMs)
    await signal(run, 'SIGKILL', termMs)
    if (await isApp(run)) throw new Refusal(`Process ${run.pid} of replica ${index} does not end.`)
  }
  rmSync(runFile(folder, index), { force: true })
  return lived
}

/** The indexes of all there are files of, living or not. */
export function replicas(folder) {
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

/** Whole or not at all. */
export function writeRun(folder, index, run) {
  renameSync(draftOf(folder, index, run), runFile(folder, index))
}

/** Not over what is there: on a busy machine the process itself is quicker, and it knows its port. */
function writeFirstRun(folder, index, run) {
  const draft = draftOf(folder, index, run)
  try {
    linkSync(draft, runFile(folder, index))
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
}

function draftOf(folder, index, run) {
  const draft = `${runFile(folder, index)}.${process.pid}`
  writeFileSync(draft, JSON.stringify(run), { mode: 0o600 })
  return draft
}

function runFile(folder, index) {
  return join(folder, 'run', `${index}.json`)
}

async function signal(run, name, patienceMs) {
  const end = performance.now() + patienceMs
  if (!(await isApp(run))) return
  try {
    process.kill(run.pid, name)
  } catch {
    return
  }
  while ((await isApp(run)) && performance.now() < end) await sleep(20)
}

/** Whether the process with that id is the app we started: its id is among its arguments, and nobody else's. */
async function isApp({ pid, id }) {
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
    const request = get(url, { agent: false, timeout: answerMs }, (response) => {
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
