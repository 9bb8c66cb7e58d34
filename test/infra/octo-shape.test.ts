/** The JSON Schema that stands for zod in the bundles of octo accepts and refuses what zod does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Definitions, difference } from '../../infra/octo/json-shape.ts'
import { schemaOfShapes } from '../../infra/octo/plugins.ts'
import { findMismatch, type SchemaName } from '../../octo/api/validate-response.ts'
import { fullInfo, info, summary } from '../octo/wire-fixtures.ts'

const { properties, $defs } = schemaOfShapes()
const byData = (name: SchemaName, json: unknown) =>
  difference((properties as Definitions)[name] ?? {}, json, $defs as Definitions)

const last_action = { ...summary, expected_duration_ms: 1200 }
const check = { checked_at: summary.created_at, exit_code: null, error: null }
const one = fullInfo('x1', { last_action, last_check: check })
const action = { ...summary, deployment: 'x1', app_overrides: [], deployment_overrides: [] }
const chunk = { seq: 1, stream: 'stdout', text: 'x', at: summary.created_at }
const event = { type: 'deployment', name: 'x1', revision: 3, deployment: one }

/** One answer of every kind. */
const right: [SchemaName, unknown][] = [
  ['listDeployments', [one, fullInfo('x2')]],
  ['getFullInfo', one],
  ['getInfo', [info('x1')]],
  ['getStatus', { status: 'Ok' }],
  ['createDeployment', { tag: 'Success' }],
  ['listActions', [action]],
  ['getAction', action],
  ['getOutput', { chunks: [chunk], done: true, state: 'failed' }],
  ['getLog', { stdout: { un_stdout: 'a' }, stderr: { un_stderr: '' } }],
  ['getDeploymentConfig', [['region', 'eu']]],
  ['getDeploymentKeys', ['region']],
  ['getProjectName', 'p'],
  ['whoami', { role: 'user', actor: 'ann', source: 'octo', project: 'p' }],
  ['outputChunk', chunk],
  ['outputEnd', { state: 'succeeded' }],
  ['liveMessage', { type: 'hello', seq: 1, heartbeat_ms: 15_000 }],
  ['liveMessage', { type: 'event', seq: 2, event }],
  ['liveMessage', { type: 'event', seq: 2, event: { type: 'deleted', name: 'x1', revision: 4 } }],
]

test('what is right is right for both', () => {
  for (const [name, json] of right)
    assert.deepEqual([byData(name, json), findMismatch(name, json)], [null, null], name)
})

test('what differs is told with its place', () => {
  const { status: _, ...without } = one
  assert.equal(byData('listDeployments', [without]), '0.status: missing')
  assert.equal(byData('getStatus', { status: 'Maybe' }), 'status: one of Ok, Error expected')
  assert.equal(byData('getFullInfo', '<html>'), 'answer: object expected')
})

const odd = fc.oneof(
  fc.constantFrom(null, undefined, true, '', 'x', 0, -1, 1.5, 2 ** 60, [], {}, [1], ['a', 'b'], { tag: 'x' }),
  fc.string(),
  fc.integer(),
)

test('what was changed anywhere is refused by the one as by the other', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...right),
      fc.array(fc.nat(20), { maxLength: 6 }),
      odd,
      ([name, json], way, put) => {
        const changed = replaced(structuredClone(json), way, put)
        assert.equal(
          byData(name, changed) === null,
          findMismatch(name, changed) === null,
          JSON.stringify(changed),
        )
      },
    ),
    { numRuns: 3000 },
  )
})

/** Goes down by the numbers of `way` and puts `put` there. */
function replaced(json: unknown, [step, ...rest]: readonly number[], put: unknown): unknown {
  if (step === undefined || typeof json !== 'object' || json === null) return put
  const keys = Object.keys(json)
  const key = keys[step % Math.max(1, keys.length)]
  if (key === undefined) return put
  const inner = json as Record<string, unknown>
  inner[key] = replaced(inner[key], rest, put)
  return inner
}
