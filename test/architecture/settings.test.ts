/** docs/settings.md agrees with domain/settings.ts, and every setting is used. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scriptNames, scripts } from '../../domain/script.ts'
import type { Program } from '../../domain/settings/values.ts'
import { type SettingName, settings } from '../../domain/settings.ts'
import { tableRows } from './markdown.ts'
import { read, sources, topFolderOf } from './repository.ts'

const rows = tableRows('docs/settings.md').filter(([name = '']) => /^[A-Z_]+$/.test(name))
const documented = new Map(rows.map(([name = '', ...rest]) => [name, rest]))
const names = Object.keys(settings) as SettingName[]

/** A parsed value in a form that can be compared. */
const comparable = (value: unknown): unknown => (value instanceof RegExp ? String(value) : value)

test('docs/settings.md documents exactly the settings, each once', () => {
  assert.deepEqual(rows.map(([name]) => name).sort(), [...names].sort())
})

test('The documented default is the real one', () => {
  for (const name of names) {
    const { parse } = settings[name]
    const [documentedDefault = ''] = documented.get(name) ?? []
    const unset = parse.safeParse(undefined)
    if (documentedDefault === 'required') assert.ok(!unset.success, name)
    else if (documentedDefault === 'not set') assert.ok(unset.success && unset.data === undefined, name)
    else {
      assert.ok(unset.success && unset.data !== undefined, name)
      const parsed = parse.safeParse(documentedDefault === 'empty' ? '' : documentedDefault)
      assert.ok(parsed.success, name)
      assert.deepEqual(comparable(unset.data), comparable(parsed.data), name)
    }
  }
})

test('The documented programs are those that read the setting', () => {
  for (const name of names) assert.equal(documented.get(name)?.[1], settings[name].programs.join(', '), name)
})

test('Every setting is read by a program that it is meant for', () => {
  const texts = sources().map((path) => ({ folder: topFolderOf(path), text: read(path) }))
  const viaTable = new Set<string>(scriptNames.map((script) => scripts[script].setting))
  const foldersOfProgram: Record<Program, string[]> = {
    server: ['functions', 'db'],
    runner: ['runner', 'db'],
    migrate: ['db'],
  }
  for (const name of names.filter((name) => !viaTable.has(name))) {
    const used = settings[name].programs.some((program) =>
      texts.some(
        (one) => foldersOfProgram[program].includes(one.folder) && new RegExp(`\\b${name}\\b`).test(one.text),
      ),
    )
    assert.ok(used, name)
  }
})
