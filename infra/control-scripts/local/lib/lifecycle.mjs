/**
 * Implements create, update, unarchive, archive and cleanup. Each can be repeated and continues after an interruption.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../lib/arguments.mjs'
import { configProblems, replicasOf } from './config.mjs'
import { deploymentDir, releasePort, reservedPort, reservePort } from './deployment-dir.mjs'
import { isReplicaRunning, listReplicas, readRun, startReplica, stopReplica } from './replica.mjs'

/** create, update and unarchive: starts the deployment as configured, with its existing data. */
export async function start(request) {
  // 1. Reject an invalid config before anything changes.
  const problems = configProblems(request)
  if (problems.length > 0) throw new UserError(problems.join('\n'))
  const folder = deploymentDir(request)
  await countDown(Number(request.deployment.get('app.start-seconds') ?? 0))

  // 2. Stop the old processes and write the new config.
  await stopAll(folder)
  mkdirSync(join(folder, 'data'), { recursive: true, mode: 0o700 })
  // The link already contains the reserved port. If another program uses it now, the start must fail, not take another
  // port.
  const port = reservedPort(folder) ?? (await reserveLinkPort(folder))
  writeConfig(folder, request)

  // 3. Start one process after the other.
  const count = replicasOf(request.deployment)
  for (let index = 0; index < count; index += 1) {
    await startReplica(folder, index, index === 0 ? port : 0, randomBytes(12).toString('hex'))
    console.log(`Replica ${index} of ${request.name} is running.`)
  }
  console.log(`${request.name} serves ${request.application.get('image.tag')} at http://127.0.0.1:${port}/`)
}

/** archive: stops the processes and keeps the data. */
export async function stop(request) {
  const stopped = await stopAll(deploymentDir(request))
  console.log(
    stopped > 0 ? `${request.name} is stopped; its data is kept.` : `${request.name} was not running.`,
  )
}

/** cleanup: stops the processes and deletes the data. */
export async function uninstall(request) {
  const folder = deploymentDir(request)
  await stopAll(folder)
  releasePort(folder)
  const existed = existsSync(folder)
  rmSync(folder, { recursive: true, force: true })
  console.log(existed ? `${request.name} and its data are removed.` : `${request.name} does not exist.`)
}

/** Whether at least one process of the deployment runs. */
export async function isAnyReplicaRunning(folder) {
  for (const index of listReplicas(folder)) if (await isReplicaRunning(folder, index)) return true
  return false
}

/** The port of the link. It stays the same unless another program takes it while the deployment is stopped. */
export async function reserveLinkPort(folder) {
  const firstReplica = (await isReplicaRunning(folder, 0)) ? readRun(folder, 0) : null
  return reservePort(folder, (port) => firstReplica?.port === port)
}

async function stopAll(folder) {
  let stopped = 0
  for (const index of listReplicas(folder)) if (await stopReplica(folder, index)) stopped += 1
  return stopped
}

/** Demonstrates long actions with live output. */
async function countDown(seconds) {
  for (let remaining = seconds; remaining > 0; remaining -= 1) {
    console.log(`Starting in ${remaining} s`)
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
