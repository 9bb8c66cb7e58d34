/** What check finds: a request to every process the config asks for. Exit codes of contract §2. */
import { replicasOf } from './config.mjs'
import { folderOf } from './deployment-dir.mjs'
import { askReplica } from './replica.mjs'

const fine = 0
const down = 1
const partlyUp = 2
const otherTag = 3

/** Says in a sentence what it found and returns the exit code. */
export async function checkHealth(request) {
  const folder = folderOf(request)
  const tag = request.application.get('image.tag')
  const count = Math.max(1, replicasOf(request.deployment) || 1)
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => askReplica(folder, index)))

  const [front] = answers
  if (front === null) return found(down, `${request.name} does not answer.`)
  const broken = answers.find((answer) => answer !== null && answer.status !== 200)
  if (broken) return found(down, `${request.name} answers with status ${broken.status}.`)
  const other = answers.find((answer) => answer !== null && answer.tag !== tag)
  if (other) return found(otherTag, `${request.name} serves ${other.tag}, but ${tag} is configured.`)
  const missing = answers.filter((answer) => answer === null).length
  if (missing > 0) return found(partlyUp, `${missing} of ${count} replicas of ${request.name} do not answer.`)
  return found(fine, `${request.name} serves ${tag} with ${count} of ${count} replicas.`)
}

function found(code, sentence) {
  console.log(sentence)
  return code
}
