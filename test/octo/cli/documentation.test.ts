/** docs/octo.md says what octo does: every command, every option, every exit code, every form. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formats, valueNames } from '../../../octo/cli/normalize-args.ts'
import { describeCommand } from '../../../octo/cli/option-metadata.ts'
import { exitCodes } from '../../../octo/errors/cli-error.ts'
import { commands } from '../../../octo/registry.ts'
import { tableRows } from '../../architecture/markdown.ts'

const rows = (heading: string) =>
  tableRows('docs/octo.md', (under) => under === heading)
    .slice(1)
    .map((row) => row.map((cell) => cell.replaceAll('`', '')))

test('every command has its place in the table of commands, and every command there exists', () => {
  const documented = rows('Commands').flatMap(([cell = '']) =>
    [...cell.matchAll(/octo ([a-z]+(?: (?:set|use|remove)\b)?)/g)].map(([, verb]) => verb),
  )
  assert.deepEqual([...new Set(documented)].sort(), Object.keys(commands).sort())
})

test('every option is in the table of options with its letter, and every option there exists', async () => {
  const documented = rows('Options').map(([short = '', long]) => (short === '' ? long : `${short},${long}`))
  const loaded = await Promise.all(Object.values(commands).map((loadCommand) => loadCommand()))
  const options = loaded.flatMap((command) => describeCommand(command).options)
  const there = new Set(options.map(({ names }) => names.join(',')))
  // The letter of --output is that of --set-deployment-config: normalize-args.ts tells them apart.
  there.delete('--output')
  assert.deepEqual(documented.toSorted(), [...there, '-o,--output'].sort())
})

test('every command takes --output, and every option that takes a value is known to who spells options', async () => {
  for (const loadCommand of Object.values(commands)) {
    const { options } = describeCommand(await loadCommand())
    assert.ok(options.some(({ names }) => names.includes('--output')))
    for (const { names, takesValue } of options)
      assert.equal(Object.hasOwn(valueNames, names.at(-1)?.slice(2) ?? ''), takesValue, names.join())
  }
})

test('every exit code is documented once', () => {
  const documented = rows('Output and exit codes').map(([code]) => Number(code))
  assert.deepEqual(documented, [...new Set([0, ...Object.values(exitCodes)])].sort())
})

test('every form of output is documented', () => {
  assert.deepEqual(
    rows('Forms of output').map(([form]) => form),
    ['json', 'jsonl', 'yaml', 'table', 'name'].filter((form) =>
      (formats as readonly string[]).includes(form),
    ),
  )
})
