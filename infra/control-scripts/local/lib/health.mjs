/** The check script: sends a request to every configured process. Called by the check executable. */
import { replicasOf } from './config.mjs'
import { deploymentDir } from './deployment-dir.mjs'
import { queryReplica } from './replica.mjs'

/** Exit codes of a check script, as Octopod reads them. */
const exitCodes = { running: 0, notRunning: 1, partlyRunning: 2, otherTag: 3 }

/** Prints the result as one sentence and returns the exit code. */
export async function checkHealth(request) {
  const folder = deploymentDir(request)
  const tag = request.application.get('image.tag')
  const count = Math.max(1, replicasOf(request.deployment) || 1)
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => queryReplica(folder, index)))

  const [first] = answers
  if (first === null) return report(exitCodes.notRunning, `${request.name} does not answer.`)
  const broken = answers.find((answer) => answer !== null && answer.status !== 200)
  if (broken) return report(exitCodes.notRunning, `${request.name} answers with status ${broken.status}.`)
  const mismatch = answers.find((answer) => answer !== null && answer.tag !== tag)
  if (mismatch)
    return report(exitCodes.otherTag, `${request.name} serves ${mismatch.tag}, but ${tag} is configured.`)
  const missing = answers.filter((answer) => answer === null).length
  if (missing > 0)
    return report(
      exitCodes.partlyRunning,
      `${missing} of ${count} replicas of ${request.name} do not answer.`,
    )
  return report(exitCodes.running, `${request.name} serves ${tag} with ${count} of ${count} replicas.`)
}

function report(code, message) {
  console.log(message)
  return code
}
