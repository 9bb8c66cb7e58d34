/** What create, update, unarchive, archive and cleanup do; each can be repeated, and goes on where another broke off. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '../../lib/arguments.mjs'
import { configProblems, replicasOf } from './config.mjs'
import { folderOf, keptPort, promisePort, releasePort } from './deployment-dir.mjs'
import { readRun, replicaLives, replicas, startReplica, stopReplica } from './replica.mjs'

/** create, update and unarchive: afterwards the deployment runs as configured, with the data it had. */
export async function bringUp(request) {
  // First: nothing is touched for a config that cannot work.
  const problems = configProblems(request)
  if (problems.length > 0) throw new Refusal(problems.join('\n'))
  const folder = folderOf(request)
  await takeTime(Number(request.deployment.get('app.start-seconds') ?? 0))

  // Then: what ran before makes room, and the new config is in its place.
  await stopAll(folder)
  mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 })
  // What info promised is in the link already: a port that a stranger took meanwhile must fail, not change.
  const port = keptPort(folder) ?? (await promiseOf(folder))
  writeConfig(folder, request)

  // Finally: one process after the other.
  const count = replicasOf(request.deployment)
  for (let index = 0; index < count; index += 1) {
    await startReplica(folder, index, index === 0 ? port : 0, randomBytes(12).toString('hex'))
    console.log(`Replica ${index} of ${request.name} is up.`)
  }
  console.log(`${request.name} serves ${request.application.get('image.tag')} at http://127.0.0.1:${port}/`)
}

/** archive: its processes end, its data stays. */
export async function putAway(request) {
  const stopped = await stopAll(folderOf(request))
  console.log(
    stopped > 0 ? `${request.name} is stopped; its data is kept.` : `${request.name} was not running.`,
  )
}

/** cleanup: nothing is left of it. */
export async function remove(request) {
  const folder = folderOf(request)
  await stopAll(folder)
  releasePort(folder)
  const existed = existsSync(folder)
  rmSync(folder, { recursive: true, force: true })
  console.log(
    existed ? `${request.name} and its data are removed.` : `There is nothing left of ${request.name}.`,
  )
}

/** Whether a process of the deployment lives. */
export async function livesAny(folder) {
  for (const index of replicas(folder)) if (await replicaLives(folder, index)) return true
  return false
}

/** The port of its link, the same as long as nobody else takes it while it is away. */
export async function promiseOf(folder) {
  const front = (await replicaLives(folder, 0)) ? readRun(folder, 0) : null
  return promisePort(folder, (port) => front?.port === port)
}

async function stopAll(folder) {
  let stopped = 0
  for (const index of replicas(folder)) if (await stopReplica(folder, index)) stopped += 1
  return stopped
}

/** Only for trying out long actions: their output as it comes, and cancel. */
async function takeTime(seconds) {
  for (let left = seconds; left > 0; left -= 1) {
    console.log(`Starting in ${left} s`)
    await sleep(1000)
  }
}

function writeConfig(folder, request) {
  const config = {
    project: request['project-name'],
    name: request.name,
    application: [...request.application],
    deployment: [...request.deployment],
  }
  writeFileSync(join(folder, 'config.json.new'), JSON.stringify(config), { mode: 0o600 })
  renameSync(join(folder, 'config.json.new'), join(folder, 'config.json'))
}
