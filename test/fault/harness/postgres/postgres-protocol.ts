/** What a client sends to PostgreSQL, one whole question at a time, with the text of its statement; and what comes back. */
import type { Socket } from 'node:net'

export type ClientMessage = { bytes: Buffer; statement: Statement | null }
/** `values`: what stands for $1, $2, …, as text. `before`: the statements of the same transaction so far. */
export type Statement = { sql: string; values: string[]; earlierInTransaction: string }

/** Parse, Bind, Describe, Execute, Close: they go on until a Sync, and only then the client waits for an answer. */
const extendedQueryTypes = 'PBDEC'

export async function* readClientMessages(client: Socket): AsyncGenerator<ClientMessage, void> {
  const prepared = new Map<string, string>()
  let rest: Buffer = Buffer.alloc(0)
  let started = false
  let begun: Buffer[] = []
  let asked: Statement | null = null
  let transaction = ''
  for await (const piece of client as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
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
      begun.push(bytes)
      asked = parseStatement(type, bytes, prepared) ?? asked
      if (type !== '' && extendedQueryTypes.includes(type)) continue
      if (asked !== null) {
        if (/^(start|begin)/i.test(asked.sql)) transaction = ''
        asked.earlierInTransaction = transaction
        transaction += `${asked.sql};\n`
      }
      yield { bytes: Buffer.concat(begun), statement: asked }
      begun = []
      asked = null
    }
  }
}

/** Where a statement is bound or asked simply; remembers those that are prepared. */
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

/** What PostgreSQL said to one question: its error, or the first column of every row. */
export type ServerResponse = { errorCode: string | null; values: (string | null)[] }

/** Of a whole answer, up to and with its ReadyForQuery. */
export function parseResponse(bytes: Buffer): ServerResponse {
  const answer: ServerResponse = { errorCode: null, values: [] }
  for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
    const type = String.fromCharCode(bytes[at] ?? 0)
    if (type === 'E') answer.errorCode = /\0C(\w+)\0/.exec(`\0${bytes.toString('latin1', at + 5)}`)?.[1] ?? ''
    if (type !== 'D' || bytes.readUInt16BE(at + 5) === 0) continue
    const length = bytes.readInt32BE(at + 7)
    answer.values.push(length < 0 ? null : bytes.toString('utf8', at + 11, at + 11 + length))
  }
  return answer
}

const text = (bytes: Buffer, from: number) => bytes.toString('utf8', from, bytes.indexOf(0, from))
