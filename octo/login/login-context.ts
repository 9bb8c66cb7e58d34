/** Which context a login is for, and what becomes of its credential. Called by commands/login. */
import { hostname } from 'node:os'
import { withoutControlCharacters } from '../../lib/hidden-characters.ts'
import { isSameAddress, readUrl } from '../api/address.ts'
import { findContextOf, parseContextName, readContexts, unknownContextError } from '../api/contexts.ts'
import type { Connection, Context } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'

type Choice = { url: string | undefined; contextName: string | undefined }

/** `context`: as it is saved, or a new one. */
export type LoginTarget = { context: Context; isNew: boolean; becomesCurrent: boolean }

/**
 * By --context and --url, else by OCTOPOD_URL, else by OCTOPOD_CONTEXT or the current context. An address that no context has
 * gets a new one, named after its host.
 */
export function chooseLoginTarget(environment: NodeJS.ProcessEnv, { url, contextName }: Choice): LoginTarget {
  const file = readContexts(environment)
  const named = (name: string) => file.contexts.find((saved) => saved.name === name)
  const isCurrentMissing = file.current === null
  if (contextName !== undefined) {
    const name = parseContextName(contextName)
    const saved = named(name)
    if (saved === undefined) {
      if (url === undefined)
        throw new CliError('usage', `octo login needs --url for the new context ${name}.`)
      readUrl(url, '--url')
      return { context: { name, url }, isNew: true, becomesCurrent: true }
    }
    if (url !== undefined && !isSameAddress(url, saved.url))
      throw new CliError(
        'usage',
        `context ${name} has another address: ${saved.url}`,
        `Change it first: octo context set ${name} --url URL`,
      )
    return { context: saved, isNew: false, becomesCurrent: isCurrentMissing }
  }
  const address = url ?? (environment.OCTOPOD_URL?.trim() || undefined)
  if (address !== undefined) {
    const { origin, prefix } = readUrl(address, url === undefined ? 'OCTOPOD_URL' : '--url')
    const saved = findContextOf(file, address, () => true)
    if (saved !== null)
      return { context: saved, isNew: false, becomesCurrent: url !== undefined || isCurrentMissing }
    const name = nameFor(new URL(origin).host, (taken) => named(taken) !== undefined)
    return { context: { name, url: origin + prefix }, isNew: true, becomesCurrent: true }
  }
  const name = environment.OCTOPOD_CONTEXT?.trim() || file.current
  if (name === null)
    throw new CliError(
      'settings',
      'octo does not know which installation.',
      'Name it once: octo login --url https://octopod.example.com',
    )
  const saved = named(name)
  if (saved === undefined) throw unknownContextError(name, file.contexts)
  return { context: saved, isNew: false, becomesCurrent: isCurrentMissing }
}

function nameFor(host: string, isTaken: (name: string) => boolean): string {
  const base =
    host
      .replace(/[^A-Za-z0-9.-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 36) || 'octopod'
  for (let at = 1; ; at += 1) {
    const name = at === 1 ? base : `${base}-${at}`
    if (!isTaken(name)) return name
  }
}

/** What the page shows to the person who approves. */
export function describeClient({ requester }: Connection): string {
  const user = requester.actor === null ? '' : ` of ${requester.actor}`
  return withoutControlCharacters(`octo${user} on ${hostname()}`).trim().slice(0, 100)
}

/** A token of a person, as `octo login` keeps it. */
export const isPersonalToken = (authorization: string | undefined): boolean =>
  /^Bearer octopod_pat_/.test(authorization ?? '')
