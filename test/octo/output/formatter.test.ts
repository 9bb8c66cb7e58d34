/** Records in the output formats. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRecords, formatTable } from '../../../octo/output/formatter.ts'

test('Records are printed in every format', async () => {
  const view = { name: (item: { a: string }) => item.a, columns: { A: (item: { a: string }) => item.a } }
  assert.equal(await formatRecords('json', { record: { a: '1' } }, view), '{\n  "a": "1"\n}\n')
  assert.equal(await formatRecords('jsonl', [{ a: '1' }, { a: '2' }], view), '{"a":"1"}\n{"a":"2"}\n')
  assert.equal(await formatRecords('yaml', [{ a: '1' }], view), '- a: "1"\n')
  assert.equal(await formatRecords('name', [{ a: '1' }], view), '1\n')
  assert.equal(formatTable(view, [{ a: 'x\ny' }, { a: '' }]), 'A\nx\\ny\n-\n')
})
