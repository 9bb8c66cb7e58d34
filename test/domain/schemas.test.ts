/** Examples of contract §4 are accepted, and sent again unchanged. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { z } from 'zod'
import { pageConfig } from '../../domain/access/access-schemas.ts'
import { changeEvent, liveMessage } from '../../domain/event.ts'
import { maxOverrides, normalizeKey } from '../../domain/overrides.ts'
import { scriptAnswer, scriptQuery } from '../../domain/queue-messages.ts'
import * as shapes from '../../domain/schemas.ts'
import { statuses, toRecordedStatus } from '../../domain/statuses.ts'

const overridesRecord =
  '[["image.tag",{"tag":"ValueAdded","contents":"v2"}],["debug",{"tag":"ValueDeleted"}]]'
const deploymentRecord = `{"name":"feature-1","app_overrides":${overridesRecord},"deployment_overrides":[]}`
const summaryRecord =
  '{"action_id":7,"action":"CreateAction","state":"succeeded","attempt":1,"actor":"ann","source":"page","reason":null,' +
  '"created_at":"2022-03-01T09:00:00.000000Z","started_at":"2022-03-01T09:00:00.123456Z","finished_at":"2022-03-01T09:00:02Z",' +
  '"exit_code":0,"signal":null,"error":null,"truncated":false,"cancel_requested_at":null,"cancelled_by":null}'
const fullInfoRecord =
  `{"deployment":${deploymentRecord},"status":{"tag":"DeploymentNotPending","recorded_status":{"tag":"Running"}},` +
  '"metadata":[{"name":"app","link":"https://feature-1.example.com"}],"created_at":"2022-03-01T09:00:00.000000Z",' +
  `"updated_at":"2022-03-01T09:00:05.5Z","revision":12,"last_action":${summaryRecord}}`

const examples: Record<string, [z.ZodType, string]> = {
  overrides: [shapes.overrides, overridesRecord],
  createBody: [
    shapes.createBody,
    `{"name":"feature-1","app_overrides":${overridesRecord},"deployment_overrides":[]}`,
  ],
  updateBody: [shapes.updateBody, `{"app_overrides":[],"deployment_overrides":${overridesRecord}}`],
  pairs: [shapes.keyValues, '[["image.tag","v2"],["empty",""]]'],
  keys: [shapes.keys, '["image.tag","debug"]'],
  fullInfo: [shapes.fullInfo, fullInfoRecord],
  info: [
    shapes.info,
    `{"deployment":${deploymentRecord},"metadata":[],"logs":[{"action_id":7,"action":"ArchiveAction","deployment_app_overrides":[],` +
      '"deployment_dep_overrides":[],"exit_code":1,"duration":{"months":0,"time":12.345678},"created_at":"2022-03-01T09:00:00Z"}]}',
  ],
  success: [shapes.success, '{"tag":"Success"}'],
  wholeOutput: [shapes.wholeOutput, '{"stdout":{"un_stdout":"a\\nb"},"stderr":{"un_stderr":""}}'],
  pageConfig: [
    pageConfig,
    '{"app_url":"https://o.b","ws_url":"wss://o.b","app_auth":"Basic x","kubernetes_dashboard_url_template":null}',
  ],
  outputPage: [
    shapes.outputPage,
    '{"chunks":[{"seq":1,"stream":"stdout","text":"x","at":"2022-03-01T09:00:00.000000Z"}],"done":false,"state":"running"}',
  ],
  deploymentEvent: [
    changeEvent,
    `{"type":"deployment","name":"feature-1","revision":12,"deployment":${fullInfoRecord}}`,
  ],
  deletedEvent: [changeEvent, '{"type":"deleted","name":"feature-1","revision":13}'],
  hello: [liveMessage, '{"type":"hello","seq":1,"heartbeat_ms":15000}'],
  scriptQuery: [scriptQuery, `{"type":"config","script":"application_config","deployment":[["k","v"]]}`],
  scriptAnswer: [scriptAnswer, '{"status":"pairs","pairs":[["k","v"]]}'],
}

suite('examples', () => {
  for (const [name, [shape, text]] of Object.entries(examples))
    test(`${name} is accepted and serialized unchanged`, () => {
      assert.equal(JSON.stringify(shape.parse(JSON.parse(text))), text)
    })

  test('Every status has its API form', () => {
    for (const status of statuses) {
      const recorded = { tag: 'DeploymentNotPending', recorded_status: toRecordedStatus(status) }
      assert.deepEqual(shapes.preciseStatus.parse(recorded), recorded)
    }
    const unknown = { tag: 'DeploymentNotPending', recorded_status: { tag: 'GenericFailure' } }
    assert.equal(shapes.preciseStatus.safeParse(unknown).success, false)
  })
})

const createBodyWith = (more: object) => ({
  name: 'feature-1',
  app_overrides: [],
  deployment_overrides: [],
  ...more,
})
const rejectionMessage = (more: object): string => {
  const result = shapes.createBody.safeParse(createBodyWith(more))
  assert.equal(result.success, false, JSON.stringify(more).slice(0, 200))
  return result.error.issues.map((issue) => issue.message).join('\n')
}
const added = (key: string, contents: unknown) => [key, { tag: 'ValueAdded', contents }]

suite('requests', () => {
  test('An unknown or missing field or a wrong type is rejected', () => {
    rejectionMessage({ extra: 1 })
    rejectionMessage({ app_overrides: undefined })
    rejectionMessage({ app_overrides: {} })
    rejectionMessage({ app_overrides: [['key']] })
    rejectionMessage({ app_overrides: [added('key', 7)] })
    rejectionMessage({ app_overrides: [['key', { tag: 'ValueDeleted', contents: 'x' }]] })
    rejectionMessage({ app_overrides: [['key', { tag: 'Other' }]] })
    rejectionMessage({ name: 7 })
    for (const value of [null, [], 'x', 7]) assert.equal(shapes.createBody.safeParse(value).success, false)
  })

  test('A bad name has the code bad_name, because its error has another form', () => {
    const result = shapes.createBody.safeParse(createBodyWith({ name: 'Bad' }))
    assert.deepEqual(
      result.error?.issues.map((issue) => issue.code === 'custom' && issue.params?.code),
      ['bad_name'],
    )
  })

  test('Keys are normalized, and a key given twice is rejected in any spelling', () => {
    const read = shapes.overridesInput.parse([added(' image . tag.', 'v')])
    assert.deepEqual(read, [added('image.tag', 'v')])
    assert.match(
      rejectionMessage({ app_overrides: [added('a.b', '1'), added(' a . b ', '2')] }),
      /a\.b is given twice/,
    )
  })

  test('Keys and values that do not fit into an argument are rejected', () => {
    assert.match(rejectionMessage({ app_overrides: [added('a=b', '1')] }), /=/)
    assert.match(rejectionMessage({ app_overrides: [added(' . ', '1')] }), /empty/)
    assert.match(rejectionMessage({ app_overrides: [added('a', '\0')] }), /NUL/)
    assert.match(rejectionMessage({ app_overrides: [added('a', '\ud800')] }), /Unicode/)
    assert.match(rejectionMessage({ app_overrides: [added('a', 'x'.repeat(200_000))] }), /bytes/)
  })

  test('Too many overrides are rejected with the maximum number', () => {
    const many = Array.from({ length: maxOverrides + 1 }, (_, at) => added(`k${at}`, ''))
    assert.match(rejectionMessage({ app_overrides: many }), new RegExp(String(maxOverrides)))
  })

  test('Accepted overrides have unique normalized keys and are accepted again unchanged', () => {
    const one = fc.tuple(
      fc.string({ unit: fc.constantFrom('a', 'b', '.', ' ', '='), maxLength: 5 }),
      fc.oneof(
        fc.record({ tag: fc.constant('ValueAdded'), contents: fc.string({ unit: 'binary' }) }),
        fc.record({ tag: fc.constant('ValueDeleted') }),
      ),
    )
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), (input) => {
        const result = shapes.overridesInput.safeParse(input)
        if (!result.success) return
        const keys = result.data.map(([key]) => key)
        assert.equal(new Set(keys).size, keys.length)
        for (const key of keys) assert.equal(normalizeKey(key), key)
        assert.deepEqual(shapes.overridesInput.parse(JSON.parse(JSON.stringify(result.data))), result.data)
      }),
      { numRuns: 500 },
    )
  })
})
