/** octo label, create --label, and list -l. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeServer, runOcto, success } from '../fake-server.ts'
import { fullInfo } from '../wire-fixtures.ts'

describe('labels', { concurrency: true }, () => {
  const labelled = fullInfo('feature-1', { labels: { team: 'shop', env: 'qa' }, title: 'New search' })

  test('label shows, sets and removes labels and the title', async (t) => {
    const fake = await fakeServer(t, {
      'GET /api/v1/deployments/feature-1/full_info': { body: labelled },
      'PATCH /api/v1/deployments/feature-1/labels': success,
    })
    const label = (...args: string[]) => runOcto({ OCTOPOD_URL: fake.url }, 'label', ...args)
    assert.deepEqual(await label('feature-1'), { code: 0, stdout: 'team=shop\nenv=qa\n', stderr: '' })
    assert.deepEqual(await label('feature-1', 'team=web', 'old-', 'a='), { code: 0, stdout: '', stderr: '' })
    assert.deepEqual(fake.requests.at(-1)?.body, { set: { team: 'web', a: '' }, remove: ['old'] })
    await label('-n', 'feature-1', '--title', 'Search')
    assert.deepEqual(fake.requests.at(-1)?.body, { set: {}, remove: [], title: 'Search' })
    await label('feature-1', '--title', '')
    assert.deepEqual(fake.requests.at(-1)?.body, { set: {}, remove: [], title: null })
    for (const [args, expected] of [
      [[], /label needs NAME/],
      [['feature-1', 'two'], /needs KEY=VALUE or KEY- for several deployments/],
      [['feature-1', 'a b=c'], /Label key "a b" may hold only/],
      [['feature-1', 'a=b c'], /The value "b c" of label "a"/],
      [['feature-1', 'a=1', 'a-'], /set and removed/],
      [['feature-1', '--title', 'x\u202ey'], /direction of text/],
    ] as const) {
      const { code, stderr } = await label(...args)
      assert.equal(code, 2)
      assert.match(stderr, expected)
    }
  })

  test('list -l prints deployments with the labels, and info shows them', async (t) => {
    const { url } = await fakeServer(t, {
      'GET /api/v1/deployments': { body: [labelled, fullInfo('old-1', { labels: {} }), fullInfo('older-1')] },
      'GET /api/v1/deployments/feature-1/full_info': { body: labelled },
      'GET /api/v1/deployments/feature-1/info': { body: [{ ...fullInfo('feature-1'), logs: [] }] },
    })
    const run = (...args: string[]) => runOcto({ OCTOPOD_URL: url }, ...args)
    assert.equal((await run('list', '-l', 'team=shop')).stdout, 'feature-1\n')
    assert.equal((await run('list', '-l', 'team in (shop, web),env!=prod')).stdout, 'feature-1\n')
    assert.equal((await run('list', '-l=!team')).stdout, 'old-1\nolder-1\n')
    assert.deepEqual(await run('list', '-l', 'team=nobody'), { code: 0, stdout: '', stderr: '' })
    assert.match((await run('list', '-o', 'table')).stdout, /LABELS.*\nfeature-1 .* team=shop,env=qa /)
    const wrong = await run('list', '-l', 'team=a=b')
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /-l: The selector does not understand "team=a=b": write key=value/)
    assert.match(
      (await run('info', '-n', 'feature-1')).stdout,
      /\nTitle: New search\n(.*\n)*Labels: team=shop,env=qa\n/,
    )
  })

  test('create sends labels and a title; with --or-update an existing deployment gets them', async (t) => {
    const accepted = { ...success, headers: { 'octopod-action-id': '7' } }
    let isTaken = false
    const fake = await fakeServer(t, {
      'POST /api/v1/deployments': () =>
        isTaken
          ? { status: 400, body: { tag: 'ValidationError', name_field: ['x'], code: 'name_taken' } }
          : accepted,
      'GET /api/v1/deployments/feature-1/full_info': { body: labelled },
      'PATCH /api/v1/deployments/feature-1/labels': success,
      'PUT /api/v1/deployments/feature-1': accepted,
      'GET /api/v1/deployment_overrides': { body: [] },
      'GET /api/v1/deployment_override_keys': { body: [] },
      'POST /api/v1/application_overrides': { body: [] },
      'POST /api/v1/application_override_keys': { body: [] },
    })
    const args = ['create', '-n', 'feature-1', '--label', 'team=shop', '--label=a=', '--title', 'Search']
    const bodyTo = (path: string) => fake.requests.find((request) => request.path === path)?.body
    assert.equal((await runOcto({ OCTOPOD_URL: fake.url }, ...args)).code, 0)
    assert.deepEqual(bodyTo('/api/v1/deployments'), {
      name: 'feature-1',
      app_overrides: [],
      deployment_overrides: [],
      labels: { team: 'shop', a: '' },
      title: 'Search',
    })
    isTaken = true
    const updated = await runOcto({ OCTOPOD_URL: fake.url }, ...args, '--or-update')
    assert.equal(updated.code, 0, updated.stderr)
    assert.deepEqual(bodyTo('/api/v1/deployments/feature-1/labels'), {
      set: { team: 'shop', a: '' },
      title: 'Search',
    })
  })
})
