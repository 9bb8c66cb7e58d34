/** docs/settings.md and domain/settings.ts say the same, and .env names in programs are settings. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scriptNames, scripts } from '../../domain/script.ts'
import { type SettingName, settings } from '../../domain/settings.ts'
import { tableRows } from './markdown.ts'
import { read, sources, topFolderOf } from './repository.ts'

const rows = tableRows('docs/settings.md').filter(([name = '']) => /^[A-Z_]+$/.test(name))
const documented = new Map(rows.map(([name = '', ...rest]) => [name, rest]))
const names = Object.keys(settings) as SettingName[]

/** What a setting becomes, to be compared; regular expressions by their source. */
const shown = (value: unknown): unknown => (value instanceof RegExp ? String(value) : value)

test('every setting is documented once, and nothing else is', () => {
  assert.deepEqual(rows.map(([name]) => name).sort(), [...names].sort())
})

test('the documented default is what the setting is without one', () => {
  for (const name of names) {
    const { parse } = settings[name]
    const [told = ''] = documented.get(name) ?? []
    const unset = parse.safeParse(undefined)
    if (told === 'required') assert.ok(!unset.success, name)
    else if (told === 'not set') assert.ok(unset.success && unset.data === undefined, name)
    else {
      assert.ok(unset.success && unset.data !== undefined, name)
      const written = parse.safeParse(told === 'empty' ? '' : told)
      assert.ok(written.success, name)
      assert.deepEqual(shown(unset.data), shown(written.data), name)
    }
  }
})

test('who reads a setting is documented', () => {
  for (const name of names) assert.equal(documented.get(name)?.[1], settings[name].programs.join(', '), name)
})

test('every setting is read by a program it is for', () => {
  const texts = sources().map((path) => ({ room: topFolderOf(path), text: read(path) }))
  const viaTable = new Set<string>(scriptNames.map((script) => scripts[script].setting))
  const room = { server: 'functions', runner: 'runner', migrate: 'db' } as const
  for (const name of names.filter((name) => !viaTable.has(name))) {
    const used = settings[name].programs.some((who) =>
      texts.some((one) => one.room === room[who] && one.text.includes(`.${name}`)),
    )
    assert.ok(used, name)
  }
})
