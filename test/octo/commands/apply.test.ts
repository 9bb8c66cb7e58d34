/** `octo apply`, `create --dry-run` and `diff -f` against a fake server. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  type FakeResponse,
  type FakeServer,
  fakeServer,
  type Routes,
  runOcto,
  success,
} from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

const accepted = { ...success, headers: { 'octopod-action-id': '41' } }
const recorded = (tag: string) => ({ status: { tag: 'DeploymentNotPending', recorded_status: { tag } } })
const allowed = { body: { allowed: true, message: 'ann may.', grants: [] } }

/** x1 has image.tag=v2, debug removed, and replicas=2; new1 does not exist; old1 is archived. */
const routes: Routes = {
  'GET /api/v1/deployments/x1/full_info': {
    body: fullInfo('x1', { ...recorded('Running'), labels: { team: 'shop' }, title: 'Search' }),
  },
  'GET /api/v1/deployments/old1/full_info': { body: fullInfo('old1', recorded('Archived')) },
  'GET /api/v1/policy/explain': allowed,
  'POST /api/v1/deployments': accepted,
  'PUT /api/v1/deployments/x1': accepted,
  'PATCH /api/v1/deployments/x1/labels': success,
  'GET /api/v1/deployment_overrides': { body: [['replicas', '1']] },
  'GET /api/v1/deployment_override_keys': { body: ['replicas'] },
  'POST /api/v1/application_overrides': { body: [['debug', 'false']] },
  'POST /api/v1/application_override_keys': { body: ['image.tag', 'debug'] },
}

async function applyFile(t: TestContext, text: string, args: string[] = [], extra: Routes = {}) {
  const fake = await fakeServer(t, { ...routes, ...extra })
  return { fake, ...(await runOcto({ OCTOPOD_URL: fake.url }, 'apply', '-f', fileWith(t, text), ...args)) }
}

function fileWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'octo-apply-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'f.yaml')
  writeFileSync(file, text)
  return file
}

const changes = ({ requests }: FakeServer) =>
  requests.filter(({ method, path }) => method !== 'GET' && !path.includes('application_override'))

const unchanged =
  'name: x1\ntitle: Search\nlabels: {team: shop}\napp: {image.tag: v2}\ndeployment: {replicas: 2}\n'

// The processes mostly wait.
suite('octo apply', { concurrency: 4 }, () => {
  test('creates what is missing, updates what differs, and leaves the others', async (t) => {
    const text = `${unchanged}---\nname: new1\nlabels: {team: web}\napp: {image.tag: 1.10}\n`
    const first = await applyFile(t, text)
    assert.deepEqual([first.code, first.stderr], [0, ''])
    assert.equal(first.stdout, 'x1 unchanged\nnew1 created (action 41)\n')
    assert.deepEqual(
      changes(first.fake).map(({ body }) => body),
      [
        {
          name: 'new1',
          app_overrides: [['image.tag', { tag: 'ValueAdded', contents: '1.10' }]],
          deployment_overrides: [],
          labels: { team: 'web' },
        },
      ],
    )
    const second = await applyFile(t, 'name: x1\napp: {image.tag: v3}\nlabels: {env: qa}\n')
    assert.equal(second.stdout, 'x1 updated (action 41)\n')
    const [put, patch] = changes(second.fake)
    assert.equal(put?.headers['if-match'], '"12"')
    assert.deepEqual(put?.body, {
      app_overrides: [
        ['image.tag', { tag: 'ValueAdded', contents: 'v3' }],
        ['debug', { tag: 'ValueDeleted' }],
      ],
      deployment_overrides: [['replicas', { tag: 'ValueAdded', contents: '2' }]],
    })
    assert.deepEqual(patch?.body, { set: { env: 'qa' } })
  })

  test('--prune removes overrides that the file does not name', async (t) => {
    const { fake, stdout } = await applyFile(t, 'name: x1\napp: {image.tag: v2}\n', ['--prune'])
    assert.equal(stdout, 'x1 updated (action 41)\n')
    assert.deepEqual(changes(fake)[0]?.body, {
      app_overrides: [['image.tag', { tag: 'ValueAdded', contents: 'v2' }]],
      deployment_overrides: [],
    })
  })

  for (const [title, text, code, expected, extra] of [
    [
      'an archived one',
      'name: new1\n---\nname: old1\napp: {a: 1}\n',
      5,
      /f\.yaml:3: old1: Deployment old1 is Archived/,
    ],
    [
      'a right that is missing',
      'name: x1\n---\nname: new1\n',
      6,
      /new1: ben may not\./,
      { 'GET /api/v1/policy/explain': { body: { allowed: false, message: 'ben may not.', grants: [] } } },
    ],
    ['a wrong name', 'name: new1\n---\nname: New\n', 2, /f\.yaml:3: Name "New" must begin.* Try new\./],
    [
      'a wrong name where names may be long',
      `name: ${'Long_'.repeat(6)}\n`,
      2,
      /2 to 20 characters\. Try long-long-long-long\./,
      { 'GET /api/v1/whoami': { body: { name_max_length: 20 } } },
    ],
    ['a missing name', 'app: {a: 1}\n', 2, /f\.yaml:1: A deployment needs a name/],
    ['a name twice', 'name: new1\n---\nname: new1\n', 2, /f\.yaml:3: new1 is there twice/],
    [
      'an unknown key',
      'name: new1\nimage: v1\n',
      2,
      /f\.yaml:2: "image" is none of name, title, labels, app/,
    ],
    ['a wrong label', 'name: new1\nlabels: {"a b": c}\n', 2, /Label key "a b" may hold only/],
    ['broken YAML', 'name: new1\n---\nname: {\n', 2, /this is neither YAML nor JSON/],
    ['no deployment', '# nothing\n', 2, /no deployment in the file/],
  ] as [string, string, number, RegExp, Routes?][])
    test(`With ${title} nothing is begun`, async (t) => {
      const result = await applyFile(t, text, [], extra)
      assert.deepEqual([result.code, result.stdout, changes(result.fake)], [code, '', []])
      assert.match(result.stderr, expected)
    })

  test('All that is wrong in the files is named, with its line', async (t) => {
    const text =
      'name: Bad Name\n---\nname: new1\nimage: v1\nlabels: {"a b": c}\napp: [1]\n---\nname: x2!\n---\n- x1\n'
    const { code, stderr, fake } = await applyFile(t, text)
    assert.deepEqual([code, changes(fake)], [2, []])
    const lines = stderr.replaceAll(/(?<=\n)\S*?f\.yaml:/g, '').split('\n')
    assert.deepEqual(
      lines.map((line) => line.replace(/^(\d+: \S+ \S+).*/, '$1')),
      [
        'octo: Nothing was begun: 6 places are wrong.',
        ...[
          '1: Name "Bad',
          '3: Label key',
          '4: "image" is',
          '6: expected a',
          '8: Name "x2!"',
          '10: expected a',
        ],
        'See octo apply --help.',
        '',
      ],
    )
    assert.equal(fake.requests.length, 1)
  })

  test('--strict refuses an unknown key before anything is begun', async (t) => {
    const { fake, code, stderr } = await applyFile(t, 'name: new1\napp: {imge.tag: v1}\n', ['--strict'])
    assert.deepEqual([code, changes(fake)], [2, []])
    assert.match(stderr, /new1: the application config has no key "imge\.tag"\. Did you mean image\.tag\?/)
  })

  test('Entries are planned side by side, and warnings come in the order of the file', async (t) => {
    const names = Array.from({ length: 9 }, (_, at) => `new${at}`)
    let active = 0
    let mostActive = 0
    let openGate = () => {}
    const gate = new Promise<void>((resolve) => {
      openGate = resolve
    })
    const slow = async (): Promise<FakeResponse> => {
      active += 1
      mostActive = Math.max(mostActive, active)
      if (active === 4) openGate()
      await gate
      active -= 1
      return {
        status: 404,
        body: { tag: 'ValidationError', name_field: ['No.'], code: 'no_such_deployment' },
      }
    }
    const extra = Object.fromEntries(
      names.map((name) => [`GET /api/v1/deployments/${name}/full_info`, slow] as const),
    )
    const text = names.map((name) => `name: ${name}\napp: {imge.tag: v1}\n`).join('---\n')
    const { code, stderr } = await applyFile(t, text, ['--dry-run'], extra)
    assert.equal(code, 0, stderr)
    assert.equal(mostActive, 4)
    assert.deepEqual(
      stderr.match(/new\d: warning/g),
      names.map((name) => `${name}: warning`),
    )
  })

  test('A refusal of one deployment does not stop the next one', async (t) => {
    const refusal = {
      status: 400,
      body: { tag: 'AppError', error_message: 'image.tag is wrong', code: 'config_rejected' },
    }
    const text = 'name: x1\napp: {image.tag: v3}\n---\nname: new1\n'
    const { code, stdout, stderr } = await applyFile(t, text, [], { 'PUT /api/v1/deployments/x1': refusal })
    assert.equal(code, 5)
    assert.equal(stdout, 'x1 failed\nnew1 created (action 41)\n')
    assert.match(stderr, /image\.tag is wrong/)
  })

  test('--dry-run changes nothing and prints what would differ', async (t) => {
    const text = `name: x1\napp: {image.tag: v3}\n---\nname: new1\ndeployment: {replicas: 3}\n`
    const { fake, code, stdout } = await applyFile(t, text, ['--dry-run'])
    assert.deepEqual([code, changes(fake)], [0, []])
    assert.equal(
      stdout,
      [
        'x1 would be updated',
        '- app image.tag=v2',
        '+ app image.tag=v3',
        'new1 would be created',
        '- deployment replicas=1',
        '+ deployment replicas=3',
        '',
      ].join('\n'),
    )
  })

  test('create --dry-run changes nothing, and refuses a name that is taken', async (t) => {
    const fake = await fakeServer(t, routes)
    const create = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'create', ...args, '--dry-run')
    assert.deepEqual(await create('new1', '-e', 'image.tag=v1'), {
      code: 0,
      stdout: '+ app image.tag=v1\n',
      stderr: 'octo: new1 would be created.\n',
    })
    const taken = await create('x1', '-e', 'image.tag=v1')
    assert.equal(taken.code, 5)
    assert.match(taken.stderr, /Deployment x1 exists\.\nChange it: octo update x1/)
    const updated = await create('x1', '-e', 'image.tag=v1', '--or-update')
    assert.equal(updated.stdout, '- app image.tag=v2\n+ app image.tag=v1\n')
    assert.deepEqual(changes(fake), [])
  })

  test('diff -f shows what update -f would change, and no new value of a secret', async (t) => {
    const secret = `***.${'a'.repeat(30)}`
    const stored = fullInfo('x1')
    const body = {
      ...stored,
      deployment: {
        ...stored.deployment,
        app_overrides: [['door.pin', { tag: 'ValueAdded', contents: secret }]],
      },
    }
    const fake = await fakeServer(t, { ...routes, 'GET /api/v1/deployments/x1/full_info': { body } })
    const ofDeployments = fileWith(t, `${unchanged}---\nname: new1\n`)
    const refused = await runOcto({ OCTOPOD_URL: fake.url }, 'diff', 'x1', '-f', ofDeployments)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /f\.yaml: this is a file of deployments.*\nocto apply -f reads it/)
    const file = fileWith(t, 'app: {door.pin: 4711, image.tag: v3}\n')
    const { stdout } = await runOcto({ OCTOPOD_URL: fake.url }, 'diff', 'x1', '-f', file)
    assert.equal(
      stdout,
      '- app door.pin=*** (secret)\n+ app door.pin=*** (secret, changed)\n+ app image.tag=v3\n',
    )
    assert.deepEqual(changes(fake), [])
  })
})
