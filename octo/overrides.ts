/**
 * Config as typed on the command line (`-e KEY=VALUE`, `-E KEY`) turned into overrides, with words for what
 * cannot be one. Called by commands/create.ts and commands/update.ts.
 */
import { Option } from 'clipanion'
import {
  added,
  keyProblem,
  normaliseKey,
  type Override,
  parsePair,
  valueProblem,
} from '../domain/overrides.ts'
import { Failure } from './failure.ts'

export const appOption = () =>
  Option.Array('-e,--set-app-config', [], { description: 'KEY=VALUE of the application config; repeatable' })

export const deploymentOption = () =>
  Option.Array('-o,--set-deployment-config', [], {
    description: 'KEY=VALUE of the deployment config; repeatable',
  })

/** Of a key given twice the later value counts. */
export function readSet(option: '-e' | '-o', texts: readonly string[]): Override[] {
  return [...new Map(texts.map((text) => readOne(option, text)))]
}

export function readUnset(option: '-E' | '-O', texts: readonly string[]): string[] {
  for (const text of texts) {
    if (normaliseKey(text) === '') throw new Failure('usage', `${option} needs the KEY of a config value.`)
  }
  return [...texts]
}

/** The value is never repeated in a message: it may be a secret. */
function readOne(option: string, text: string): Override {
  const pair = parsePair(text)
  if (pair === null) {
    const shown = text.includes('=') ? 'what comes before "=" is empty' : 'there is no "=" in it'
    throw new Failure('usage', `${option} needs KEY=VALUE: ${shown}.`)
  }
  const [key, value] = pair
  const problem = keyProblem(key) ?? valueProblem(key, value)
  if (problem !== null) throw new Failure('usage', problem)
  return added(key, value)
}
