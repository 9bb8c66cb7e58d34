/** Answers the questions of users who wait: config scripts, config_check and status. Called by main.ts and prepare.ts. */
import type { Answer, Question } from '../domain/job.ts'
import { effectiveConfig, type Target } from './config.ts'
import { configAnswer } from './config-answer.ts'
import { askAbout } from './run.ts'
import type { Workshop } from './workshop.ts'

/** `signal` aborts when nobody waits any more. It ends config_check and check; what the config scripts say is kept for all. */
export async function answerQuestion(
  workshop: Workshop,
  question: Question,
  signal: AbortSignal,
): Promise<Answer> {
  switch (question.ask) {
    case 'config':
      return configAnswer(workshop, question.script, question.deployment)
    case 'config_check':
      return checkConfig(workshop, question.target, signal)
    case 'status':
      return checkStatus(workshop, question.target, signal)
  }
}

/** `refused` with the script's words when it says no. */
export async function checkConfig(workshop: Workshop, target: Target, signal: AbortSignal): Promise<Answer> {
  const config = await effectiveConfig(workshop, target)
  if (typeof config === 'string') return { is: 'failed', words: config }
  const timeoutMs = workshop.settings.CHECK_TIMEOUT
  const asked = await askAbout(workshop, 'config_check', target.name, config, { signal, timeoutMs })
  const { exitCode, problem, timedOut } = asked.result
  if (exitCode === 0 && problem === null) return { is: 'ok' }
  if (exitCode === null || problem !== null || timedOut) return { is: 'failed', words: asked.failure ?? '' }
  // Its output as it is, but for secrets: Octopod 1.6 passed it on unchanged.
  const words = asked.mask(asked.stdout.trim() === '' ? asked.stderr.trim() : asked.stdout)
  return { is: 'refused', words: words || `The config was refused by config_check (exit code ${exitCode}).` }
}

async function checkStatus(workshop: Workshop, target: Target, signal: AbortSignal): Promise<Answer> {
  const config = await effectiveConfig(workshop, target)
  if (typeof config === 'string') return { is: 'failed', words: config }
  const timeoutMs = workshop.settings.CHECK_TIMEOUT
  const asked = await askAbout(workshop, 'check', target.name, config, { signal, timeoutMs })
  const { exitCode, problem } = asked.result
  if (problem !== null) return { is: 'failed', words: problem }
  return exitCode === 0 ? { is: 'ok' } : { is: 'refused', words: asked.failure ?? '' }
}
