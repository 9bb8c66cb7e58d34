/**
 * Parses labels and selectors of the command line: `team=shop`, `old-`, `-l 'team in (shop,web)'`. Called by the commands label,
 * create and those with -l.
 */
import { Option } from 'clipanion'
import {
  type Labels,
  labelKeyError,
  labelValueError,
  matchesSelector,
  parseSelector,
  titleError,
} from '../../domain/labels.ts'
import { CliError } from '../errors/cli-error.ts'

export const selectorOption = () =>
  Option.String('-l,--selector', {
    description:
      "labels of the deployments: team=shop, team!=shop, 'team in (shop,web)', team, !team; a comma is and",
  })

export const titleOption = () => Option.String('--title', { description: 'what people read beside the name' })

export type LabelChanges = { set: Record<string, string>; remove: string[] }

/** `words`: KEY=VALUE sets a label, KEY- removes it, as in kubectl. Other words are returned as `names`. */
export function parseLabelWords(words: readonly string[]): LabelChanges & { names: string[] } {
  const set = new Map<string, string>()
  const remove = new Set<string>()
  const names: string[] = []
  for (const word of words) {
    if (word.includes('=')) set.set(...parseLabel('', word))
    else if (word.endsWith('-')) remove.add(checkKey(word.slice(0, -1)))
    else names.push(word)
  }
  const both = [...remove].find((key) => set.has(key))
  if (both !== undefined) throw new CliError('usage', `Label ${both} is set and removed.`)
  return { set: Object.fromEntries(set), remove: [...remove], names }
}

/** The values of --label. */
export const parseLabels = (texts: readonly string[]): Labels =>
  Object.fromEntries(texts.map((text) => parseLabel('--label', text)))

/** Without an option all deployments match. */
export function parseSelectorOption(
  text: string | undefined,
): (info: { labels?: Labels | undefined }) => boolean {
  const { selector, error } = parseSelector(text ?? '')
  if (error !== undefined) throw new CliError('usage', `-l: ${error}`)
  if (text?.trim() === '') throw new CliError('usage', '-l needs a selector, such as team=shop.')
  return ({ labels = {} }) => matchesSelector(selector, labels)
}

/** An empty title removes it. */
export function parseTitle(text: string | undefined): string | null | undefined {
  const title = text?.trim()
  if (title === undefined || title === '') return title === '' ? null : undefined
  const error = titleError(title)
  if (error !== null) throw new CliError('usage', error)
  return title
}

function parseLabel(option: string, text: string): [key: string, value: string] {
  const at = text.indexOf('=')
  if (at < 0) throw new CliError('usage', `${option} needs KEY=VALUE: "=" is missing.`)
  const [key, value] = [checkKey(text.slice(0, at).trim()), text.slice(at + 1).trim()]
  const error = labelValueError(key, value)
  if (error !== null) throw new CliError('usage', error)
  return [key, value]
}

function checkKey(key: string): string {
  const error = labelKeyError(key)
  if (error !== null) throw new CliError('usage', error)
  return key
}
