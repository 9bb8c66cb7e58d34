/** docs/octo.md documents every command, option, exit code and output format. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeCommand } from '../../../octo/cli/option-metadata.ts'
import { exitCodes } from '../../../octo/errors/cli-error.ts'
import { formats } from '../../../octo/output/formatter.ts'
import { commands } from '../../../octo/registry.ts'
import { tableRows } from '../../architecture/markdown.ts'

const rows = (heading: string) =>
  tableRows('docs/octo.md', (under) => under === heading)
    .slice(1)
    .map((row) => row.map((cell) => cell.replaceAll('`', '')))

test('The table of commands is complete and correct', () => {
  const documented = rows('Commands').flatMap(([cell = '']) =>
    [
      ...cell.matchAll(
        /octo ([a-z-]+(?: (?:set|use|remove|check|show|explain|end|list|create|revoke|verify|resend)\b)?)/g,
      ),
    ].map(([, command]) => command),
  )
  assert.deepEqual([...new Set(documented)].sort(), Object.keys(commands).sort())
})

test('The table of options is complete and correct', async () => {
  const documented = rows('Options').map(([short = '', long]) => (short === '' ? long : `${short},${long}`))
  const loaded = await Promise.all(Object.values(commands).map((loadCommand) => loadCommand()))
  const options = loaded.flatMap((command) => describeCommand(command).options)
  const existing = new Set(options.map(({ names }) => names.join(',')))
  // -o is also --set-deployment-config; normalize-args.ts decides which one.
  existing.delete('--output')
  assert.deepEqual(documented.toSorted(), [...existing, '-o,--output'].sort())
})

test('Every command has --output', async () => {
  for (const loadCommand of Object.values(commands)) {
    const { options } = describeCommand(await loadCommand())
    assert.ok(options.some(({ names }) => names.includes('--output')))
  }
})

test('Every exit code is documented once', () => {
  const documented = rows('Output and exit codes').map(([code]) => Number(code))
  assert.deepEqual(documented, [...new Set([0, ...Object.values(exitCodes)])].sort())
})

test('Every output format is documented', () => {
  assert.deepEqual(
    rows('Output formats').map(([format]) => format),
    ['json', 'jsonl', 'yaml', 'table', 'name'].filter((format) =>
      (formats as readonly string[]).includes(format),
    ),
  )
})
