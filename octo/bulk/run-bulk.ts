/**
 * The part that all commands for many deployments share: which deployments, preview, question, progress, outcomes. Called by the commands
 * archive, restore, retry, cancel, label and set.
 */
import { Option } from 'clipanion'
import { type BulkChange, sendBulk } from '../../client/send-bulk.ts'
import type { BulkLine, BulkRequest } from '../../domain/changes/bulk-schemas.ts'
import type { ApiClient } from '../api/types.ts'
import { parseName } from '../cli/base-command.ts'
import { canAsk, confirm } from '../cli/confirm.ts'
import { CliError } from '../errors/cli-error.ts'
import { transitionAdvice } from '../errors/transition-advice.ts'
import { parseSelectorOption } from '../labels/parse-labels.ts'
import type { Records, RecordView } from '../output/formatter.ts'
import { createProgress } from '../output/progress.ts'
import type { Terminal } from '../output/terminal-text.ts'

export const dryRunOption = () =>
  Option.Boolean('--dry-run', false, {
    description: 'show what would be accepted and refused; change nothing',
  })
export const yesOption = () => Option.Boolean('-y,--yes', false, { description: 'do not ask' })

export type BulkOptions = {
  names: readonly string[]
  selector: string | undefined
  dryRun: boolean
  yes: boolean
  key?: string | undefined
  reason?: string | undefined
  quiet?: boolean
}

/** What a command offers. */
type Command = {
  context: { stdin: NodeJS.ReadableStream; stdout: unknown; stderr: unknown; env: NodeJS.ProcessEnv }
  client(): Promise<ApiClient>
  note(text: string): void
  printRecords(records: Records<BulkLine>, view: RecordView<BulkLine>): Promise<void>
}

/** The names that a command was given, each once. Throws when NAME and -n NAME differ. */
export function givenNames(command: string, option: string | undefined, names: readonly string[]): string[] {
  if (option !== undefined && names.some((name) => name !== option))
    throw new CliError('usage', `${command} needs one name: NAME and -n NAME differ.`)
  return [...new Set(option === undefined ? names : [option])]
}

/** Whether a command is about many deployments. */
export const isBulk = ({ names, selector, dryRun }: BulkOptions): boolean =>
  names.length > 1 || selector !== undefined || dryRun

/** `verb`: completes the question, as `archive`. Returns the exit code. */
export async function runBulk(
  command: Command,
  verb: string,
  change: BulkChange,
  options: BulkOptions,
): Promise<number> {
  const client = await command.client()
  const names = await chooseNames(client, options)
  if (names.length === 0) {
    command.note('no deployment matches; nothing was changed.')
    return 0
  }
  const terminal = command.context as unknown as Parameters<typeof confirm>[1]
  const isAsked = !options.yes && !options.dryRun && options.selector !== undefined && canAsk(terminal)
  const previews = isAsked ? await preview(client, names, change) : []
  const rest = previews.filter(({ outcome }) => outcome !== 'accepted')
  const restNames = new Set(rest.map(({ name }) => name))
  const sent = names.filter((name) => !restNames.has(name))
  if (isAsked) {
    if (sent.length === 0) command.note(`nothing to do: ${describeRest(rest)}.`)
    else await confirm(toQuestion(verb, sent, rest), terminal)
  }
  const { stderr, env } = command.context
  const progress = createProgress(stderr as Terminal, env, options.quiet ?? false)
  const lines: BulkLine[] = []
  try {
    const request = { ...change, ...(options.dryRun ? { dry_run: true } : {}) }
    const key = options.key ?? crypto.randomUUID()
    for await (const line of sendNames(client, sent, request, { key, reason: options.reason })) {
      lines.push(line)
      if ((stderr as Terminal).isTTY) progress.status(`${lines.length} of ${sent.length}`)
    }
  } finally {
    progress.end()
    lines.push(...rest)
    const byName = new Map(lines.map((line) => [line.name, line]))
    await command.printRecords(
      names.flatMap((name) => byName.get(name) ?? []),
      bulkView,
    )
  }
  return lines.some(({ outcome }) => outcome === 'refused') ? 5 : 0
}

/** What the server would accept and refuse now, so that the question counts only what would change. */
async function preview(client: ApiClient, names: readonly string[], change: BulkChange): Promise<BulkLine[]> {
  const options = { key: crypto.randomUUID(), reason: undefined }
  return Array.fromAsync(sendNames(client, names, { ...change, dry_run: true }, options))
}

const maxShownNames = 20

/** `Archive 12 deployments (a-1, …)? 3 need no change, 1 you may not change.` */
function toQuestion(verb: string, names: readonly string[], rest: readonly BulkLine[]): string {
  const { length } = names
  const hidden = length - maxShownNames
  const shown = [...names.slice(0, maxShownNames), ...(hidden > 0 ? [`and ${hidden} more`] : [])]
  const question = `${verb} ${length} ${length === 1 ? 'deployment' : 'deployments'} (${shown.join(', ')})?`
  return rest.length === 0 ? question : `${question} ${describeRest(rest)}.`
}

/** `3 need no change, 1 you may not change, 2 are refused (busy)` */
function describeRest(rest: readonly BulkLine[]): string {
  const groups = Map.groupBy(rest, ({ error }) => error?.code)
  return [...groups]
    .map(([code, { length }]) => {
      if (code === undefined) return `${length} ${length === 1 ? 'needs' : 'need'} no change`
      if (code === 'forbidden') return `${length} you may not change`
      return `${length} ${length === 1 ? 'is' : 'are'} refused (${code})`
    })
    .join(', ')
}

async function chooseNames(client: ApiClient, { names, selector }: BulkOptions): Promise<string[]> {
  if (selector === undefined) {
    const given = [...new Set(names.map(parseName))]
    if (given.length === 0) throw new CliError('usage', 'NAME or -l SELECTOR is needed.')
    return given
  }
  if (names.length > 0) throw new CliError('usage', 'NAME and -l SELECTOR do not go together.')
  const matches = parseSelectorOption(selector)
  const deployments = await client.call('listDeployments', {})
  return deployments.filter(matches).map(({ deployment }) => deployment.name)
}

const bulkView: RecordView<BulkLine> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    OUTCOME: ({ outcome }) => outcome,
    ID: ({ action_id }) => (action_id === undefined ? '' : String(action_id)),
    REASON: ({ error }) => transitionAdvice(error?.message ?? '') ?? error?.message ?? '',
  },
}

type SendOptions = { key: string; reason: string | undefined }

/** Sends the names until each is decided. Throws a CliError when the server refuses the whole request, or cannot be reached for long. */
function sendNames(
  client: ApiClient,
  names: readonly string[],
  change: BulkChange,
  options: SendOptions,
): AsyncGenerator<BulkLine, void> {
  return sendBulk(names, {
    send: (names) => send(client, { ...change, names: [...names] }, options),
    retryAfterMs: (error) =>
      error instanceof CliError && (error.transient || error.kind === 'unreachable')
        ? error.retryAfterMs
        : null,
    endedTooEarly: new CliError('unreachable', 'The server has ended its answer too early.'),
  })
}

async function send(
  client: ApiClient,
  body: BulkRequest,
  options: SendOptions,
): Promise<AsyncIterable<Uint8Array>> {
  // Slow to load, and not needed without a request.
  const { toCliError } = await import('../errors/http.ts')
  const explain = (error: unknown) => toCliError(client.connection, error, true)
  try {
    const accept = { accept: 'application/x-ndjson' }
    const response = await client.http.fetch('changeMany', { body, ...options, headers: accept })
    return explainErrors(response.body, explain)
  } catch (error) {
    throw explain(error)
  }
}

async function* explainErrors<Piece>(
  pieces: AsyncIterable<Piece>,
  explain: (error: unknown) => Error,
): AsyncGenerator<Piece, void> {
  try {
    yield* pieces
  } catch (error) {
    throw explain(error)
  }
}
