/** The size and shape of files and folders: short, shallow, each with its word on what it answers for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, read, sources, topFolderOf, topFolders } from './repository.ts'

const lines = (path: string) => read(path).trimEnd().split('\n').length
const written = /\.(ts|sql|sh|css|html|md|yaml|yml)$/
const programs = sources().filter((path) => topFolderOf(path) !== 'test')

test('no file of the rooms is longer than 300 lines', () => {
  const long = files().filter(
    (path) =>
      (topFolders as readonly string[]).includes(topFolderOf(path)) &&
      topFolderOf(path) !== 'test' &&
      written.test(path) &&
      // A golden dump, written by a program.
      path !== 'db/schema.sql' &&
      lines(path) > 300,
  )
  assert.deepEqual(long, [])
})

test('the median source file has less than 100 lines', () => {
  const lengths = programs.map(lines).sort((one, other) => one - other)
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0
  assert.ok(median < 100, `median ${median}`)
})

test('no source lies more than two folders below its room', () => {
  const deep = programs.filter((path) => path.split('/').length > 4)
  assert.deepEqual(deep, [])
})

test('a source of 25 lines or more begins with what it answers for', () => {
  const begins = /^(?:#!.*\n)?(?:\/\*\*|\/\/)/
  const silent = programs.filter((path) => lines(path) >= 25 && !begins.test(read(path)))
  assert.deepEqual(silent, [])
})

test('names of files are kebab-case', () => {
  const wrong = programs.filter((path) => !/^[a-z0-9-]+(\.test)?\.ts$/.test(path.split('/').at(-1) ?? ''))
  assert.deepEqual(wrong, [])
})

test('every room has a README', () => {
  const all = new Set(files())
  const silent = topFolders.filter(
    (room) => programs.some((path) => topFolderOf(path) === room) && !all.has(`${room}/README.md`),
  )
  assert.deepEqual(silent, [])
  assert.ok(all.has('test/README.md'), 'test/README.md')
})

test('every room has tests of its own in the test tree', () => {
  const tests = files('test').filter((path) => path.endsWith('.test.ts'))
  for (const room of topFolders.filter((room) => programs.some((path) => topFolderOf(path) === room)))
    assert.ok(
      tests.some((path) => path.startsWith(`test/${room}/`)),
      `test/${room}`,
    )
})
