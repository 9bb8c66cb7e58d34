/** Asks the scripts through a runner while the user waits (law 8), for the functions that need it. */
import { NoAnswer } from '../db/queue.ts'
import { Refusal } from '../domain/errors.ts'
import type { Answer, Question } from '../domain/job.ts'
import type { Services } from './services.ts'

/** The runner's answer; `away` when Redis is not reachable. Throws runners_away (504) after QUESTION_TIMEOUT. */
export async function askScripts(services: Services, question: Question): Promise<Answer | 'away'> {
  const timeoutMs = services.settings.QUESTION_TIMEOUT
  try {
    return await services.questions.ask(question, timeoutMs)
  } catch (error) {
    if (error instanceof NoAnswer) {
      const words = `No runner answered within ${timeoutMs / 1000} s: none is up, all are busy, or a script is slow.`
      throw new Refusal('runners_away', words)
    }
    services.log.warn({ err: error }, 'Redis is away: scripts cannot be asked')
    return 'away'
  }
}
