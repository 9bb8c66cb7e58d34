/**
 * Answers of JSON that is made in pieces: a large one is sent while it is read, so that it needs little memory and
 * blocks no other request. Used by the handlers of output and actions.
 */
import type { Services } from '../services.ts'
import type { Encoding } from './compression.ts'

/** A smaller answer is sent whole, with its length, and an error before its end is an error answer. */
const maxWholeLength = 1024 * 1024

/**
 * `pieces` must begin with its reads that can refuse the request. When a later piece fails, the connection is closed
 * before the end of the answer, so that no client takes a part for the whole.
 */
export async function streamJson(
  { log, compression }: Pick<Services, 'log' | 'compression'>,
  encoding: Encoding | null,
  pieces: AsyncGenerator<string, void>,
): Promise<Response> {
  let head = ''
  while (head.length < maxWholeLength) {
    const { done, value } = await pieces.next()
    if (done) return compression.json(head, encoding)
    head += value
  }
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { done, value } = head === '' ? await pieces.next() : { done: false, value: head }
          head = ''
          if (done) controller.close()
          else controller.enqueue(encoder.encode(value ?? ''))
        } catch (error) {
          log.warn({ err: error }, 'answer broken off')
          controller.error(error)
        }
      },
      cancel: async () => {
        await pieces.return()
      },
    },
    // Nothing is read before the client takes it.
    { highWaterMark: 0 },
  )
  return compression.streamedJson(body, encoding)
}

/** The elements of an array, without its brackets. `change` makes each what the caller may see. */
export async function* jsonElements<T>(
  pages: AsyncIterable<readonly T[]>,
  change: (element: T) => T = (element) => element,
): AsyncGenerator<string, void> {
  let isFirst = true
  for await (const page of pages) {
    if (page.length === 0) continue
    yield (isFirst ? '' : ',') + page.map((element) => JSON.stringify(change(element))).join(',')
    isFirst = false
  }
}

/** The parts of a string, without its quotes. No part may end within a surrogate pair; text from PostgreSQL never does. */
export async function* jsonText(parts: AsyncIterable<string>): AsyncGenerator<string, void> {
  for await (const part of parts) yield JSON.stringify(part).slice(1, -1)
}
