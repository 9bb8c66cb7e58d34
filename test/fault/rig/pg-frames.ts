/** The messages a client sends to PostgreSQL, one by one, with the text of the statement that is about to run. */
import type { Socket } from 'node:net'

/** `statement` is told once, where it is bound or asked simply. */
export type Frame = { bytes: Buffer; statement: string | null }

export async function* framesOf(client: Socket): AsyncGenerator<Frame, void> {
  const prepared = new Map<string, string>()
  let rest: Buffer = Buffer.alloc(0)
  let started = false
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
      if (started) yield read(bytes, prepared)
      else yield { bytes, statement: null }
      started = true
    }
  }
}

function read(bytes: Buffer, prepared: Map<string, string>): Frame {
  const type = String.fromCharCode(bytes[0] ?? 0)
  if (type === 'Q') return { bytes, statement: text(bytes, 5) }
  if (type === 'P') {
    const name = text(bytes, 5)
    prepared.set(name, text(bytes, 5 + Buffer.byteLength(name) + 1))
  }
  if (type === 'B') {
    const portal = text(bytes, 5)
    const name = text(bytes, 5 + Buffer.byteLength(portal) + 1)
    return { bytes, statement: prepared.get(name) ?? '' }
  }
  return { bytes, statement: null }
}

const text = (bytes: Buffer, from: number) => bytes.toString('utf8', from, bytes.indexOf(0, from))
