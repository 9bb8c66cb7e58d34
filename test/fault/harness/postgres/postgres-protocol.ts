/**
 * Parses what a client sends to PostgreSQL, one request at a time with its statement, and what PostgreSQL
 * answers.
 */
import type { Socket } from 'node:net'

/** One request with all its messages: the client now waits for an answer. */
export type ClientMessage = { bytes: Buffer; statement: Statement | null }
export type Statement = {
  sql: string
  /** The values of $1, $2 … as text. */
  values: string[]
  /** The earlier statements of the same transaction. */
  earlierInTransaction: string
}

/** Parse, Bind, Describe, Execute, Close: a Sync follows, and only then does the client wait for an answer. */
const extendedQueryTypes = 'PBDEC'

export async function* readClientMessages(client: Socket): AsyncGenerator<ClientMessage, void> {
  const prepared = new Map<string, string>()
  let rest: Buffer = Buffer.alloc(0)
  let started = false
  let messages: Buffer[] = []
  let statement: Statement | null = null
  let transaction = ''
  for await (const chunk of client as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      // The first message has no type before its length.
      const at = started ? 1 : 0
      if (rest.length < at + 4) break
      const length = at + rest.readUInt32BE(at)
      if (rest.length < length) break
      const bytes = rest.subarray(0, length)
      rest = rest.subarray(length)
      const type = started ? String.fromCharCode(bytes[0] ?? 0) : ''
      started = true
      messages.push(bytes)
      statement = parseStatement(type, bytes, prepared) ?? statement
      if (type !== '' && extendedQueryTypes.includes(type)) continue
      if (statement !== null) {
        if (/^(start|begin)/i.test(statement.sql)) transaction = ''
        statement.earlierInTransaction = transaction
        transaction += `${statement.sql};\n`
      }
      yield { bytes: Buffer.concat(messages), statement }
      messages = []
      statement = null
    }
  }
}

/** The statement of a simple query or a Bind message. Stores the text of a Parse message in `prepared`. */
function parseStatement(type: string, bytes: Buffer, prepared: Map<string, string>): Statement | null {
  if (type === 'Q') return { sql: text(bytes, 5), values: [], earlierInTransaction: '' }
  if (type === 'P') {
    const name = text(bytes, 5)
    prepared.set(name, text(bytes, 5 + Buffer.byteLength(name) + 1))
  }
  if (type !== 'B') return null
  const portal = text(bytes, 5)
  const name = text(bytes, 5 + Buffer.byteLength(portal) + 1)
  const formatsAt = 5 + Buffer.byteLength(portal) + 1 + Buffer.byteLength(name) + 1
  let at = formatsAt + 2 + 2 * bytes.readUInt16BE(formatsAt)
  const count = bytes.readUInt16BE(at)
  at += 2
  const values: string[] = []
  for (let index = 0; index < count; index += 1) {
    const length = bytes.readInt32BE(at)
    at += 4
    values.push(length < 0 ? '' : bytes.toString('utf8', at, at + length))
    at += Math.max(0, length)
  }
  return { sql: prepared.get(name) ?? '', values, earlierInTransaction: '' }
}

/** The error code, or the first column of every row. */
export type ServerResponse = { errorCode: string | null; values: (string | null)[] }

/** `bytes` is a complete response, including its ReadyForQuery message. */
export function parseResponse(bytes: Buffer): ServerResponse {
  const response: ServerResponse = { errorCode: null, values: [] }
  for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
    const type = String.fromCharCode(bytes[at] ?? 0)
    if (type === 'E')
      response.errorCode = /\0C(\w+)\0/.exec(`\0${bytes.toString('latin1', at + 5)}`)?.[1] ?? ''
    if (type !== 'D' || bytes.readUInt16BE(at + 5) === 0) continue
    const length = bytes.readInt32BE(at + 7)
    response.values.push(length < 0 ? null : bytes.toString('utf8', at + 11, at + 11 + length))
  }
  return response
}

const text = (bytes: Buffer, from: number) => bytes.toString('utf8', from, bytes.indexOf(0, from))
