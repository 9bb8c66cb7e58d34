/** Files are short and begin with their purpose; folders are small, shallow and have a README. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, read, sources, topFolderOf, topFolders } from './repository.ts'

const lines = (path: string) => read(path).trimEnd().split('\n').length
const textFile = /\.(ts|sql|sh|css|html|md|yaml|yml)$/
const programs = sources().filter((path) => topFolderOf(path) !== 'test')

test('No file is longer than 300 lines', () => {
  const long = files().filter(
    (path) =>
      (topFolders as readonly string[]).includes(topFolderOf(path)) &&
      topFolderOf(path) !== 'test' &&
      textFile.test(path) &&
      // Written by a program.
      path !== 'db/schema.sql' &&
      // Helm wants all values in one file.
      path !== 'infra/chart/values.yaml' &&
      lines(path) > 300,
  )
  assert.deepEqual(long, [])
})

test('The median source file has fewer than 100 lines', () => {
  const lengths = programs.map(lines).sort((one, other) => one - other)
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0
  assert.ok(median < 100, `median ${median}`)
})

test('No source file lies more than two folders below its top folder', () => {
  const deep = programs.filter((path) => path.split('/').length > 4)
  assert.deepEqual(deep, [])
})

test('A source file of 25 lines or more begins with its purpose', () => {
  const begins = /^(?:#!.*\n)?(?:\/\*\*|\/\/)/
  const withoutHead = programs.filter((path) => lines(path) >= 25 && !begins.test(read(path)))
  assert.deepEqual(withoutHead, [])
})

test('File names are kebab-case', () => {
  const wrong = programs.filter((path) => !/^[a-z0-9-]+(\.test)?\.ts$/.test(path.split('/').at(-1) ?? ''))
  assert.deepEqual(wrong, [])
})

test('No file contains a conflict marker', () => {
  const marked = files().filter((path) => /^(?:<{7}|>{7}) /m.test(read(path)))
  assert.deepEqual(marked, [])
})

test('Every top folder has a README', () => {
  const all = new Set(files())
  const withoutReadme = topFolders.filter(
    (folder) => programs.some((path) => topFolderOf(path) === folder) && !all.has(`${folder}/README.md`),
  )
  assert.deepEqual(withoutReadme, [])
  assert.ok(all.has('test/README.md'), 'test/README.md')
})

test('Every top folder has its own tests', () => {
  const tests = files('test').filter((path) => path.endsWith('.test.ts'))
  for (const folder of topFolders.filter((one) => programs.some((path) => topFolderOf(path) === one)))
    assert.ok(
      tests.some((path) => path.startsWith(`test/${folder}/`)),
      `test/${folder}`,
    )
})

/** Folders with more than 15 files, and why. */
const largeFolders: Record<string, string> = {
  'test/flow': 'one file for each topic of the whole system, flat so that a topic is found by its name',
  'test/kubernetes': 'one file for each topic on a real cluster',
  'db/migrations': 'numbered files that are never changed, and grow in number',
  'infra/chart/templates': 'Helm templates, one file for each object',
  'infra/control-scripts/helm': 'the names of the control scripts are fixed',
  'infra/control-scripts/kubectl': 'the names of the control scripts are fixed',
  'infra/control-scripts/local': 'the names of the control scripts are fixed',
  'test/scripts/configurable': 'the names of the control scripts are fixed',
}

test('No folder holds more than 15 files', () => {
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/'))
  const counted = files().filter(
    (path) => (topFolders as readonly string[]).includes(topFolderOf(path)) && !path.endsWith('README.md'),
  )
  const large = [...Map.groupBy(counted, folderOf)].filter(([, paths]) => paths.length > 15)
  assert.deepEqual(
    large.map(([folder]) => folder).filter((folder) => !(folder in largeFolders)),
    [],
  )
})
