/** Tables: what they look like where there is room, and where there is none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Override } from '../../../domain/overrides.ts'
import { renderOverrides, renderOverridesCell, renderTable } from '../../../octo/output/table.ts'
import {
  displayWidth,
  escapeControlCharacters,
  splitByWidth,
  toSingleLine,
} from '../../../octo/output/terminal-text.ts'

const one = (key: string, contents: string): Override[] => [[key, { tag: 'ValueAdded', contents }]]

test('wide and combining characters count as the terminal shows them', () => {
  assert.equal(displayWidth('abc'), 3)
  assert.equal(displayWidth('日本'), 4)
  assert.equal(displayWidth('🐙'), 2)
  assert.equal(displayWidth('e\u0301'), 1)
})

test('text is cut into pieces that fit', () => {
  assert.deepEqual(splitByWidth('abcdefg', 3), ['abc', 'def', 'g'])
  assert.deepEqual(splitByWidth('日本語', 5), ['日本', '語'])
  assert.deepEqual(splitByWidth('', 3), [''])
  assert.deepEqual(splitByWidth('日本', 1), ['日', '本'])
})

test('new lines, tabs and control characters do not break a table', () => {
  assert.equal(toSingleLine('a\nb\tc\u001b[0m\r\nd'), 'a\\nb\\tc�[0m\\nd')
  assert.equal(escapeControlCharacters('a\r\nb\u0000'), 'a\nb�')
})

test('a box is cut at the edge of the terminal', () => {
  const box = renderOverrides(one('image.tag', 'x'.repeat(100)), 40)
  assert.ok(box.every((line) => displayWidth(line) <= 40))
  assert.equal(box.join('').match(/x/g)?.length, 100)
  assert.ok(
    renderOverrides(one('k'.repeat(200), 'v'.repeat(200)), 30).every((line) => displayWidth(line) <= 30),
  )
  assert.deepEqual(renderOverrides([], 40), [])
})

test('a cell cuts keys at 15 and values at 25 as Octopod 1.6', () => {
  assert.deepEqual(renderOverridesCell(one('k'.repeat(16), 'v'.repeat(26))), [
    ` ${'k'.repeat(15)} │ ${'v'.repeat(25)} `,
    ` ${' '.repeat(14)}k │ v${' '.repeat(24)} `,
  ])
  assert.deepEqual(renderOverridesCell([]), [])
})

test('a table without rows keeps its headings', () => {
  assert.deepEqual(renderTable(['A', 'Bee'], [], 80), ['╔═══╦═════╗', '║ A ║ Bee ║', '╚═══╩═════╝'])
})

test('where the table does not fit every row becomes a paragraph', () => {
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
