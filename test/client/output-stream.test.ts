/** Server-sent events in any pieces, and the output of an action over connections that break. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiClient, type ApiResponse, createApiClient } from '../../client/call-endpoint.ts'
import { type OutputStreamOptions, streamOutput } from '../../client/output-stream.ts'
import { readEvents } from '../../client/read-events.ts'
import { errorBody } from '../../domain/errors.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
async function* pieces(text: string, size: number) {
  const all = bytes(text)
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

test('Events arrive wherever the pieces are cut; comments and an incomplete event are skipped', async () => {
  const text =
    'retry: 2000\n\n: still here\n\nid: 1\nevent: chunk\ndata: {"text":"käse"}\n\nevent: end\r\ndata: {}\r\n\r\nevent: cut'
  for (const size of [1, 2, 7, 1000]) {
    const events = await Array.fromAsync(readEvents(pieces(text, size), 1000))
    assert.deepEqual(
      events.map(({ event, data }) => [event, data]),
      [
        ['chunk', '{"text":"käse"}'],
        ['end', '{}'],
      ],
    )
  }
})

const chunk = (seq: number) => ({
  seq,
  stream: 'stdout',
  text: `line ${seq}`,
  at: '2026-03-01T10:00:00.000Z',
})
const event = (seq: number) => `id: ${seq}\nevent: chunk\ndata: ${JSON.stringify(chunk(seq))}\n\n`
const end = 'event: end\ndata: {"state":"succeeded"}\n\n'

/** Answers each request with the next text; 'break' is a broken connection, 'silence' one without bytes. */
function startClient(answers: (string | Response)[]) {
  const paths: string[] = []
  const signals: (AbortSignal | undefined)[] = []
  const send = async ({
    path,
    signal,
  }: {
    path: string
    signal: AbortSignal | undefined
  }): Promise<ApiResponse> => {
    paths.push(path.replace('/api/v1/actions/7/', ''))
    signals.push(signal)
    const answer = answers.shift() ?? 'break'
    if (answer === 'break') throw new TypeError('fetch failed')
    if (answer === 'silence') return new Promise(() => {})
    const response = typeof answer === 'string' ? new Response(answer) : answer
    const { status, headers } = response
    return { status, headers, text: () => response.text(), body: response.body ?? pieces('', 1) }
  }
  const options = { identify: () => ({}), retries: () => 0, mayRetry: () => false, defaultTimeoutMs: 1000 }
  return { client: createApiClient({ send, ...options }), paths, signals }
}

async function read(client: ApiClient, options: OutputStreamOptions = {}) {
  const outages: (string | null)[] = []
  const onConnection = (error: Error | null) => outages.push(error?.message ?? null)
  const chunks = streamOutput(client, 7, { initialBackoffMs: 1, onConnection, ...options })
  const seqs: number[] = []
  for (;;) {
    const { value, done } = await chunks.next()
    if (done) return { seqs, state: value?.state, outages }
    seqs.push(value.seq)
  }
}

test('After a broken or damaged stream the output goes on after the last chunk, each chunk once', async () => {
  const damaged = `${event(3)}event: chunk\ndata: {"seq":\n\n`
  const { client, paths } = startClient([event(1) + event(2), 'break', damaged, event(2) + event(4), end])
  const { seqs, state } = await read(client)
  assert.deepEqual([seqs, state], [[1, 2, 3, 4], 'succeeded'])
  assert.deepEqual(
    paths,
    [0, 2, 2, 3, 4].map((after) => `output/stream?after=${after}`),
  )
})

test('Where a proxy blocks streams, the output is read page by page', async () => {
  const page = { chunks: [chunk(1), chunk(2)], done: true, state: 'failed' }
  const { client, paths } = startClient(['', ': hello\n\n', Response.json(page)])
  const { seqs, state } = await read(client)
  assert.deepEqual([seqs, state, paths.at(-1)], [[1, 2], 'failed', 'output?after=0'])
})

test('A request without an answer counts as lost: it is aborted and repeated', async () => {
  const { client, signals } = startClient(['silence', end])
  const { outages } = await read(client, { silenceTimeoutMs: 20 })
  assert.deepEqual(outages, ['The server did not answer in time.', null])
  assert.equal(signals[0]?.aborted, true)
})

test('A refusal is not retried, and neither is anything after the last attempt', async () => {
  const refusal = () => Response.json(errorBody('forbidden', 'No.'), { status: 403 })
  await assert.rejects(read(startClient([refusal()]).client), { status: 403 })
  const { client, paths } = startClient([])
  await assert.rejects(read(client, { maxAttempts: 2 }), { kind: 'unreachable' })
  assert.equal(paths.length, 3)
})

test('After `signal` is aborted, nothing more is read', async () => {
  const stop = new AbortController()
  stop.abort()
  assert.deepEqual((await read(startClient([end]).client, { signal: stop.signal })).seqs, [])
})
