/** Records in the output formats. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { formatRecords, formatTable } from '../../../octo/output/formatter.ts'

test('Records are printed in every format', async () => {
  const view = { name: (item: { a: string }) => item.a, columns: { A: (item: { a: string }) => item.a } }
  assert.equal(await formatRecords('json', { record: { a: '1' } }, view), '{\n  "a": "1"\n}\n')
  assert.equal(await formatRecords('jsonl', [{ a: '1' }, { a: '2' }], view), '{"a":"1"}\n{"a":"2"}\n')
  assert.equal(await formatRecords('yaml', [{ a: '1' }], view), '- a: "1"\n')
  assert.equal(await formatRecords('name', [{ a: '1' }], view), '1\n')
  assert.equal(formatTable(view, [{ a: 'x\ny' }, { a: '' }]), 'A\nx\\ny\n-\n')
})

test('No format prints C1 codes or overrides of the direction raw, and JSON and YAML keep their values', async () => {
  const item = { name: 'a\u009b31m\u202eb', 'k\u0085': 'plain', list: ['\u2066x\n\u007f'] }
  const view = { name: (one: typeof item) => one.name, columns: { NAME: (one: typeof item) => one.name } }
  const text: Record<string, string> = {}
  for (const format of ['json', 'jsonl', 'yaml', 'name', 'table'] as const) {
    text[format] = await formatRecords(format, [item], view)
    assert.doesNotMatch(text[format], /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u, format)
  }
  assert.deepEqual(JSON.parse(text.json ?? ''), [item])
  assert.deepEqual(JSON.parse(text.jsonl ?? ''), item)
  assert.deepEqual(parse(text.yaml ?? ''), [item])
})
