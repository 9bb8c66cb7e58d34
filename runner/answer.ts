/** Answers the questions of users who wait: config scripts, config_check and status. Called by main.ts and prepare.ts. */
import type { Answer, Question } from '../domain/job.ts'
import { lifecycleArguments } from '../domain/script.ts'
import { effectiveConfig, type Target } from './config.ts'
import { configAnswer } from './config-answer.ts'
import { ask, failureOfScript } from './run.ts'
import type { Workshop } from './workshop.ts'

export async function answerQuestion(workshop: Workshop, question: Question): Promise<Answer> {
  switch (question.ask) {
    case 'config':
      return configAnswer(workshop, question.script, question.deployment)
    case 'config_check':
      return checkConfig(workshop, question.target)
    case 'status':
      return checkStatus(workshop, question.target)
  }
}

/** `refused` with the script's words when it says no. */
export async function checkConfig(workshop: Workshop, target: Target, signal?: AbortSignal): Promise<Answer> {
  const config = await effectiveConfig(workshop, target)
  if (typeof config === 'string') return { is: 'failed', words: config }
  const asked = await ask(
    workshop,
    'config_check',
    lifecycleArguments(workshop.project, target.name, config),
    {
      ...(signal ? { signal } : {}),
    },
  )
  const { exitCode, problem, timedOut } = asked.result
  if (exitCode === 0 && problem === null) return { is: 'ok' }
  if (exitCode === null || problem !== null || timedOut) {
    return { is: 'failed', words: failureOfScript('config_check', asked) ?? '' }
  }
  // Its output as it is: Octopod 1.6 passed it on unchanged.
  const words = asked.stdout.trim() === '' ? asked.stderr.trim() : asked.stdout
  return { is: 'refused', words: words || `The config was refused by config_check (exit code ${exitCode}).` }
}

async function checkStatus(workshop: Workshop, target: Target): Promise<Answer> {
  const config = await effectiveConfig(workshop, target)
  if (typeof config === 'string') return { is: 'failed', words: config }
  const asked = await ask(workshop, 'check', lifecycleArguments(workshop.project, target.name, config), {
    timeoutMs: workshop.settings.CHECK_TIMEOUT,
  })
  const { exitCode, problem } = asked.result
  if (problem !== null) return { is: 'failed', words: problem }
  return exitCode === 0 ? { is: 'ok' } : { is: 'refused', words: failureOfScript('check', asked) ?? '' }
}
