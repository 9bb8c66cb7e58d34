/** Parsing of YAML with the rules of Go's parser. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importModule } from '../control-scripts.ts'

const { readDocuments } = await importModule<{
  readDocuments(text: string, title: string): Promise<unknown[]>
}>('lib/yaml.mjs')

test('YAML is parsed like in Go: octal modes are numbers, times and dates are text', async () => {
  const [value] = await readDocuments(
    '{mode: 0644, time: 12:30, date: 2026-01-01, on: true, version: "1.10", nothing: ~}',
    'it',
  )
  assert.deepEqual(value, {
    mode: 420,
    time: '12:30',
    date: '2026-01-01',
    true: true,
    version: '1.10',
    nothing: null,
  })
  assert.deepEqual(await readDocuments('---\n# nothing\n---\na: 1\n---\n', 'it'), [{ a: 1 }])
  await assert.rejects(
    readDocuments('a: [', 'What the chart renders'),
    /^Error: What the chart renders is not YAML: /,
  )
})
