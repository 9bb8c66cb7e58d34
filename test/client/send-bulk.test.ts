/** One change of many deployments, sent until each is decided. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sendBulk } from '../../client/send-bulk.ts'
import type { BulkLine } from '../../domain/changes/bulk-schemas.ts'

const lost = new Error('the connection is lost')
const endedTooEarly = new Error('ended too early')

/** Answers requests in order; a name is accepted, an error is thrown. */
async function run(names: readonly string[], answers: readonly (string | BulkLine | Error)[][]) {
  const requests: string[][] = []
  const lines: BulkLine[] = []
  const send = async (sent: readonly string[]) => {
    requests.push([...sent])
    return body(answers[requests.length - 1] ?? [])
  }
  const retryAfterMs = (error: unknown) => (error === lost ? 0 : null)
  const all = async () => {
    for await (const line of sendBulk(names, { send, retryAfterMs, endedTooEarly })) lines.push(line)
  }
  const failure = await all().catch((error: unknown) => error)
  return { requests, lines, failure }
}

async function* body(answer: readonly (string | BulkLine | Error)[]): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for (const part of answer) {
    if (part instanceof Error) throw part
    const line = typeof part === 'string' ? { name: part, outcome: 'accepted' } : part
    yield encoder.encode(`\n${JSON.stringify(line)}\n`)
  }
}

describe('sendBulk', () => {
  it('More than 500 names are several requests, one after the other', async () => {
    const names = Array.from({ length: 501 }, (_, at) => `d-${at}`)
    const { requests, lines } = await run(names, [names.slice(0, 500), names.slice(500)])
    assert.deepEqual(
      requests.map(({ length }) => length),
      [500, 1],
    )
    assert.equal(lines.length, 501)
  })

  it('After a lost connection and an early end only the missing names are sent again', async () => {
    const { requests, lines, failure } = await run(['a', 'b', 'c'], [['b', lost], ['a', 'b'], ['c']])
    assert.deepEqual(requests, [['a', 'b', 'c'], ['a', 'c'], ['c']])
    assert.deepEqual(
      lines.map(({ name }) => name),
      ['b', 'a', 'c'],
    )
    assert.equal(failure, undefined)
  })

  it('A name that the server could not decide is sent again', async () => {
    const error = { code: 'service_unavailable', message: 'PostgreSQL is unreachable.' }
    const { requests, lines } = await run(['a'], [[{ name: 'a', outcome: 'refused', error }], ['a']])
    assert.equal(requests.length, 2)
    assert.deepEqual(lines, [{ name: 'a', outcome: 'accepted' }])
  })

  it('An error that no repetition mends ends it', async () => {
    const refused = new Error('forbidden')
    const { requests, lines, failure } = await run(['a', 'b'], [['a', refused]])
    assert.deepEqual([requests.length, lines.length, failure], [1, 1, refused])
  })
})
