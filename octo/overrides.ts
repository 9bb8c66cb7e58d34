/**
 * Config as typed on the command line (`-e KEY=VALUE`, `-e KEY=@FILE`, `-f FILE`, `-E KEY`) turned into overrides, with
 * words for what cannot be one. Called by the commands that take config.
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
import { type Input, openInput } from './input.ts'

export const appOption = () =>
  Option.Array('-e,--set-app-config', [], {
    description: 'KEY=VALUE of the application config, or KEY=@FILE (@- is stdin, @@ a plain @); repeatable',
  })

export const deploymentOption = () =>
  Option.Array('-o,--set-deployment-config', [], {
    description: 'KEY=VALUE of the deployment config, or KEY=@FILE; repeatable',
  })

export const fileOption = () =>
  Option.Array('-f,--file', [], {
    description: 'YAML or JSON file of overrides of both levels, - for stdin; repeatable',
  })

type Given = { app: readonly string[]; deployment: readonly string[]; files: readonly string[] }

/** Files first, in their order, then -e and -o: of a key given twice the later value counts. */
export async function readOverrides({ app, deployment, files }: Given, stdin: Input) {
  const open = openInput(stdin)
  const levels = { app: new Map<string, Override[1]>(), deployment: new Map<string, Override[1]>() }
  for (const path of files) {
    const text = await open('-f', path)
    const { readOverridesFile } = await import('./overrides-file.ts')
    const found = readOverridesFile(path === '-' ? 'stdin' : path, text)
    for (const [key, value] of found.app) levels.app.set(key, value)
    for (const [key, value] of found.deployment) levels.deployment.set(key, value)
  }
  for (const text of app) levels.app.set(...(await readOne('-e', text, open)))
  for (const text of deployment) levels.deployment.set(...(await readOne('-o', text, open)))
  return { app: [...levels.app], deployment: [...levels.deployment] }
}

export function readUnset(option: '-E' | '-O', texts: readonly string[]): string[] {
  for (const text of texts) {
    if (normaliseKey(text) === '') throw new Failure('usage', `${option} needs the KEY of a config value.`)
  }
  return [...texts]
}

/** The value is never repeated in a message: it may be a secret. */
async function readOne(option: string, text: string, open: ReturnType<typeof openInput>): Promise<Override> {
  const pair = parsePair(text)
  if (pair === null) {
    const shown = text.includes('=') ? 'what comes before "=" is empty' : 'there is no "=" in it'
    throw new Failure('usage', `${option} needs KEY=VALUE: ${shown}.`)
  }
  const [key, typed] = pair
  const keyWrong = keyProblem(key)
  if (keyWrong !== null) throw new Failure('usage', keyWrong)
  const value = await textOf(`${option} ${key}`, typed, open)
  const problem = valueProblem(key, value)
  if (problem !== null) throw new Failure('usage', problem)
  return added(key, value)
}

async function textOf(option: string, typed: string, open: ReturnType<typeof openInput>): Promise<string> {
  if (typed.startsWith('@@')) return typed.slice(1)
  if (!typed.startsWith('@')) return typed
  try {
    // Files end with a new line that nobody means.
    return (await open(option, typed.slice(1))).replace(/\r?\n$/, '')
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new Failure(
      'usage',
      error.message,
      'A value that begins with @ names a file; write @@ for a plain @.',
    )
  }
}
