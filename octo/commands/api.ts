/** `octo api`: sends a request to the HTTP API and prints the body of the answer. Loaded by run.ts. */
import { Option } from 'clipanion'
import { apiPrefix } from '../../domain/endpoints.ts'
import { toPlainText } from '../../lib/terminal/text.ts'
import { parseIdempotencyKey } from '../cli/action-command.ts'
import { ApiCommand } from '../cli/api-command.ts'
import { createInputReader } from '../cli/stdin.ts'
import { CliError } from '../errors/cli-error.ts'
import type { RecordView } from '../output/formatter.ts'
import type { Terminal } from '../output/terminal-text.ts'

export const apiMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export class ApiRequest extends ApiCommand {
  static override paths = [['api']]
  static override usage = ApiCommand.Usage({
    description: 'send a request to the HTTP API',
    details: `
      Signed in as every other command. PATH is below /api/v1, unless it begins with /api/. Prints the body of the answer, also that
      of an error; the exit code says how it ended, as for other commands. The request is sent once.
    `,
    examples: [
      ['The size of the history', '$0 api GET /storage'],
      ['A query', "$0 api GET '/deployments/feature-1/actions?limit=1'"],
      ['A body from standard input', '$0 api POST /deployments -d @- < deployment.json'],
    ],
  })

  method = Option.String({ name: 'METHOD' })
  target = Option.String({ name: 'PATH' })
  data = Option.String('-d,--data', { description: 'the body, in JSON; @FILE reads a file, @- stdin' })
  key = Option.String('--idempotency-key', {
    description: 'a key that you choose: the same request with the same key takes effect once',
  })

  protected async run(): Promise<void> {
    const method = apiMethods.find((known) => known === this.method.toUpperCase())
    if (method === undefined)
      throw new CliError(
        'usage',
        `api needs one of ${apiMethods.join(', ')}, not "${this.method.slice(0, 40)}".`,
      )
    const path = parsePath(this.target)
    const key = parseIdempotencyKey(this.key) ?? crypto.randomUUID()
    const body = await this.readBody()
    const { sendRaw } = await import('../api/raw-request.ts')
    const answer = sendRaw(await this.client(), { method, path, body, key })
    if (this.format === null) return this.printText(answer)
    let text = ''
    for await (const part of answer) text += part
    const records = parseRecords(text)
    await this.printRecords(records, viewOf(records), this.format)
  }

  private async printText(answer: AsyncIterable<string>): Promise<void> {
    const { isTTY } = this.context.stdout as unknown as Terminal
    let last = '\n'
    try {
      for await (const part of answer) {
        if (part === '') continue
        await this.print(isTTY ? toPlainText(part) : part)
        last = part.at(-1) ?? last
      }
    } finally {
      if (last !== '\n') await this.print('\n')
    }
  }

  private async readBody(): Promise<string | null> {
    const { data } = this
    if (data === undefined) return null
    const isFile = data.startsWith('@')
    const text = isFile ? await createInputReader(this.context.stdin)('-d', data.slice(1)) : data
    try {
      JSON.parse(text)
    } catch {
      throw new CliError('usage', '-d needs JSON.')
    }
    return text
  }
}

/** The credential goes only to the API of the installation. */
function parsePath(text: string): string {
  const given = text.startsWith('/') ? text : `/${text}`
  const full = given.startsWith('/api/') ? given : apiPrefix + given
  const url = URL.parse(full, 'http://localhost')
  if (url === null || text.includes('://') || !url.pathname.startsWith('/api/'))
    throw new CliError('usage', 'PATH is a path below /api/v1, such as /deployments.')
  return url.pathname + url.search
}

type Json = Record<string, unknown>

/** A text is a record too. */
function parseRecords(text: string): readonly Json[] | { record: Json } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = text
  }
  const isObject = (item: unknown): item is Json => typeof item === 'object' && item !== null
  const toRecord = (item: unknown): Json => (isObject(item) ? item : { value: item })
  return Array.isArray(value) ? value.map(toRecord) : { record: toRecord(value) }
}

function viewOf(records: readonly Json[] | { record: Json }): RecordView<Json> {
  const first = 'record' in records ? records.record : (records[0] ?? {})
  const text = (value: unknown) =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : `${value ?? ''}`
  return {
    name: (item) => text(Object.values(item)[0]),
    columns: Object.fromEntries(
      Object.keys(first).map((key) => [key.toUpperCase(), (item: Json) => text(item[key])]),
    ),
  }
}
