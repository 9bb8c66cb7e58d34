import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FullInfo } from '../../../domain/schemas.ts'
import { streamJsonArray } from '../../../web/live/stream-json-array.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

async function read(text: string, chunkBytes: number): Promise<FullInfo[][]> {
  const bytes = new TextEncoder().encode(text)
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += chunkBytes)
        controller.enqueue(bytes.slice(at, at + chunkBytes))
      controller.close()
    },
  })
  const parts: FullInfo[][] = []
  for await (const part of streamJsonArray(new Response(stream))) parts.push(part)
  return parts
}

const specialCharacters = {
  ']},{': '}]\\',
  key: '[{"deployment":{"name":"x"}},{"deployment":',
  umlaut: 'ü€😀',
  quote: '\\"{',
}

describe('streaming a JSON array', () => {
  it('Items arrive in parts, the first one soon, none lost or duplicated', async () => {
    const list = Array.from({ length: 3000 }, (_, at) =>
      sampleDeployment({ name: `d${at}`, app: specialCharacters }),
    )
    for (const [text, chunk] of [
      [JSON.stringify(list), 7001],
      [JSON.stringify(list), 65_536],
      [`[\n${list.map((info) => JSON.stringify(info)).join(' ,\n')}\n]`, 1013],
    ] as const) {
      const parts = await read(text, chunk)
      assert.deepEqual(parts.flat(), list)
      assert.ok(parts.length > 2 && (parts[0]?.length ?? 0) < 300, `${parts.length} parts`)
    }
  })

  it('Empty and short arrays work', async () => {
    assert.deepEqual(await read('[]', 1), [[]])
    assert.equal((await read(JSON.stringify([sampleDeployment()]), 10)).flat().length, 1)
  })

  it('A truncated response or another value is an error', async () => {
    await assert.rejects(read(JSON.stringify([sampleDeployment()]).slice(0, -1), 10), SyntaxError)
    await assert.rejects(read('', 10), SyntaxError)
  })
})
