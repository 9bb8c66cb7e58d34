/** Files of overrides. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOverridesFile } from '../../../octo/overrides/overrides-file.ts'

test('Files of overrides: nested keys, unchanged numbers, null, anchors, JSON', () => {
  const text = `
app:
  image: &image { tag: 010, pull: 'null' }
  copy: *image
  big: 12345678901234567890
  on: yes
  off: false
  none:
  text: |
    two
    lines
deployment: {}
`
  const { application, deployment } = parseOverridesFile('x.yaml', text)
  assert.deepEqual(
    application.map(([key, value]) => [key, value.tag === 'ValueAdded' ? value.contents : null]),
    [
      ['image.tag', '010'],
      ['image.pull', 'null'],
      ['copy.tag', '010'],
      ['copy.pull', 'null'],
      ['big', '12345678901234567890'],
      ['on', 'yes'],
      ['off', 'false'],
      ['none', null],
      ['text', 'two\nlines\n'],
    ],
  )
  assert.deepEqual(deployment, [])
  assert.equal(parseOverridesFile('x.json', '{"app":{"a":"1"}}').application.length, 1)
  assert.deepEqual(parseOverridesFile('x', ''), { application: [], deployment: [] })
})

for (const [text, expectedMessage] of [
  ['app:\n  - a', 'x:2: expected a map of keys.'],
  ['app:\n  a: [1]', 'x:2: a is a list, but a value must be text.'],
  ['apps:\n  a: 1', 'x:1: "apps" is neither app nor deployment.'],
  ['app: {a: 1', 'x:1: this is neither YAML nor JSON.'],
  ['just text', 'x:1: expected a map with app and deployment.'],
  ['app:\n  a b: 1', 'x:2: Config key "a b" contains white space or a control character.'],
] as const) {
  test(`Invalid file of overrides: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseOverridesFile('x', text), { kind: 'usage', message: expectedMessage })
  })
}
