/** Tables on wide and narrow terminals. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Override } from '../../../domain/overrides.ts'
import { renderOverrides, renderOverridesCell, renderTable } from '../../../octo/output/table.ts'
import { displayWidth, splitByWidth, toSingleLine } from '../../../octo/output/terminal-text.ts'

const one = (key: string, contents: string): Override[] => [[key, { tag: 'ValueAdded', contents }]]

test('Wide and combining characters have the width that the terminal shows', () => {
  assert.equal(displayWidth('abc'), 3)
  assert.equal(displayWidth('日本'), 4)
  assert.equal(displayWidth('🐙'), 2)
  assert.equal(displayWidth('e\u0301'), 1)
})

test('Text is split by width', () => {
  assert.deepEqual(splitByWidth('abcdefg', 3), ['abc', 'def', 'g'])
  assert.deepEqual(splitByWidth('日本語', 5), ['日本', '語'])
  assert.deepEqual(splitByWidth('', 3), [''])
  assert.deepEqual(splitByWidth('日本', 1), ['日', '本'])
})

test('New lines, tabs and control characters do not break a table', () => {
  assert.equal(toSingleLine('a\nb\tc\u001b[0m\r\nd\u0000'), 'a\\nb\\tc\\nd')
})

test('Overrides are no wider than the terminal', () => {
  const box = renderOverrides(one('image.tag', 'x'.repeat(100)), 40)
  assert.ok(box.every((line) => displayWidth(line) <= 40))
  assert.equal(box.join('').match(/x/g)?.length, 100)
  assert.ok(
    renderOverrides(one('k'.repeat(200), 'v'.repeat(200)), 30).every((line) => displayWidth(line) <= 30),
  )
  assert.deepEqual(renderOverrides([], 40), [])
})

test('A cell splits keys at 15 and values at 25 columns, as Octopod 1.6 did', () => {
  assert.deepEqual(renderOverridesCell(one('k'.repeat(16), 'v'.repeat(26))), [
    ` ${'k'.repeat(15)} │ ${'v'.repeat(25)} `,
    ` ${' '.repeat(14)}k │ v${' '.repeat(24)} `,
  ])
  assert.deepEqual(renderOverridesCell([]), [])
})

test('A table without rows has headings', () => {
  assert.deepEqual(renderTable(['A', 'Bee'], [], 80), ['╔═══╦═════╗', '║ A ║ Bee ║', '╚═══╩═════╝'])
})

test('On a narrow terminal each row becomes a paragraph', () => {
  const rows = [
    [['1'], renderOverridesCell(one('image.tag', 'v2')), ['']],
    [['2'], ['two', 'lines'], ['x']],
  ]
  const headings = ['Id', 'Config', 'Note']
  assert.match(renderTable(headings, rows, 80)[0] ?? '', /^╔═+╦═+╦═+╗$/)
  assert.deepEqual(renderTable(headings, rows, 20), [
    'Id: 1',
    'Config: image.tag │ v2',
    '',
    'Id: 2',
    'Config:',
    '  two',
    '  lines',
    'Note: x',
  ])
})
