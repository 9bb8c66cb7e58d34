/** CI jobs exchange their ID tokens, at real servers with a local issuer. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import { githubJob, githubRule, gitlabJob, gitlabRule } from '../../helpers/oidc/ci-issuer.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { type ExchangeSystem, exchange, exchangeFields, startExchangeSystem } from './exchange-system.ts'

let all: ExchangeSystem
const trust = (issuer: string) => [githubRule(issuer), gitlabRule(issuer)]
before(async () => {
  all = await startExchangeSystem(trust)
})
after(() => all.stop())

const withToken = (token: string | undefined, url = all.system.url) => createApiClient(url, `Bearer ${token}`)
const tokenOf = async (claims: Record<string, unknown>): Promise<string> => {
  const { status, body } = await exchange(all.system.url, await all.ci.sign(claims))
  assert.equal(status, 200, JSON.stringify(body))
  return body.access_token ?? ''
}

for (const [system, job, role] of [
  ['GitHub', githubJob, 'developer'],
  ['GitLab', gitlabJob, 'operator'],
] as const)
  test(`A job of ${system} can update pr-412 and nothing else`, async () => {
    const admin = createApiClient(all.system.url)
    for (const name of ['pr-412', 'pr-41', 'pr-4123', 'shop-1']) await admin.create(name)
    await admin.waitForStatus('pr-412', 'Running')
    const { status, body, headers } = await exchange(all.system.url, await all.ci.sign(job))
    assert.equal(status, 200, JSON.stringify(body))
    assert.match(body.access_token ?? '', /^octopod_job_/)
    assert.deepEqual([body.expires_in, body.role, body.names], [900, role, ['pr-412']])
    assert.match(headers.get('cache-control') ?? '', /no-store/)

    const client = withToken(body.access_token)
    const updated = await client.update('pr-412', { tag: system })
    assert.equal(updated.status, 200, updated.text)
    await client.waitForStatus('pr-412', 'Running')
    for (const name of ['pr-41', 'pr-4123', 'shop-1', 'missing'])
      for (const answer of [
        await client.update(name),
        await client.create(name),
        await client.archive(name),
        await client.api('GET', `/deployments/${name}/full_info`),
      ]) {
        assert.equal(answer.status, 403, `${name}: ${answer.text}`)
        assert.match(answer.text, new RegExp(`are for pr-412, not for ${name}`))
      }
    assert.deepEqual((await client.api('GET', '/deployment_names')).body, ['pr-412'])
    assert.equal((await client.api('DELETE', '/deployments/pr-412/delete')).status, 403)
    assert.equal((await client.api('GET', '/policy')).status, 403)
    assert.equal((await client.api('GET', '/tokens?all=true')).status, 403)
  })

test('An action names the person and the run, with the CI identity as the proof', async () => {
  const client = withToken(await tokenOf({ ...githubJob, ref: 'refs/pull/7/merge' }))
  const created = await client.create('pr-7')
  assert.equal(created.status, 200, created.text)
  await client.waitForStatus('pr-7', 'Running')
  const [action] = await client.actions('pr-7')
  assert.equal(action?.actor, 'github:dev1, acme/shop#7, run 99')
  assert.deepEqual(
    [action?.proof, action?.actor_issuer, action?.actor_subject],
    ['exchange', all.ci.issuer, githubJob.sub],
  )
  const run = `${new URL(all.ci.issuer).origin}/acme/shop/actions/runs/${githubJob.run_id}`
  assert.equal(action?.actor_link, run)
  const me = (await client.api('GET', '/whoami')).body as Record<string, unknown>
  assert.deepEqual(
    [me.actor, me.proof, me.role, me.issuer, me.subject, me.credential_recognized],
    ['github:dev1, acme/shop#7, run 99', 'exchange', 'developer', all.ci.issuer, githubJob.sub, true],
  )
  assert.deepEqual(me.grants, [{ role: 'developer', names: ['pr-7'], rule: 'trust rule 1 of the policy' }])
})

test('The audit log has an entry for each exchange, with the address of the run', async () => {
  await tokenOf({ ...githubJob, run_id: '77', run_number: '5' })
  const { body } = await createApiClient(all.system.url).api('GET', '/audit?operation=exchange_token&limit=1')
  const { entries } = body as { entries: Record<string, unknown>[] }
  const { actor, proof, subject, details } = entries[0] ?? {}
  assert.deepEqual([actor, proof, subject], ['github:dev1, acme/shop#412, run 5', 'exchange', githubJob.sub])
  const { link, names, rule } = details as Record<string, unknown>
  const origin = new URL(all.ci.issuer).origin
  assert.deepEqual(
    [link, names, rule],
    [`${origin}/acme/shop/actions/runs/77`, ['pr-412'], 'trust rule 1 of the policy'],
  )
})

test('A deployment that a job creates has no owner; cleanup needs operator', async () => {
  const client = withToken(await tokenOf({ ...githubJob, ref: 'refs/pull/8/merge' }))
  await client.create('pr-8')
  assert.equal((await client.waitForStatus('pr-8', 'Running')).owner ?? null, null)
  await client.archive('pr-8')
  await client.waitForStatus('pr-8', 'Archived')
  assert.equal((await client.cleanup('pr-8')).status, 403)
  const operator = withToken(await tokenOf({ ...gitlabJob, environment: 'staging/pr-8' }))
  assert.equal((await operator.cleanup('pr-8')).status, 200)
})

test('A job cannot make itself another credential', async () => {
  const client = withToken(await tokenOf(githubJob))
  const created = await client.api('POST', '/tokens', { label: 'x', expires_in_days: 30 })
  assert.equal(created.status, 403)
  assert.match(created.text, /An access token cannot create another one/)
  const service = { name: 'x', owner_group: 'platform' }
  const forService = await client.api('POST', '/tokens', { label: 'x', expires_in_days: 30, service })
  assert.equal(forService.status, 403)
  assert.equal((await client.api('GET', '/device_login?user_code=BCDF-GHJK')).status, 403)
  assert.deepEqual((await client.api('GET', '/sessions')).body, [])
  assert.deepEqual((await client.api('GET', '/tokens')).body, [])
})

test('JSON and a form are accepted; other requests are refused in the form of OAuth', async () => {
  const idToken = await all.ci.sign(githubJob)
  const json = await createApiClient(all.system.url, null).api('POST', '/token', exchangeFields(idToken))
  assert.equal(json.status, 200, json.text)
  const refusals: [Record<string, string>, string, RegExp][] = [
    [{ ...exchangeFields(idToken), grant_type: 'password' }, 'unsupported_grant_type', /grant_type/],
    [{ grant_type: exchangeFields('').grant_type }, 'invalid_request', /subject_token/],
    [{ ...exchangeFields(idToken), subject_token_type: 'x' }, 'invalid_request', /subject_token_type/],
    [{ ...exchangeFields(idToken), scope: 'admin' }, 'invalid_request', /scope: is not supported/],
    [{ ...exchangeFields(idToken), actor_token: 'x' }, 'invalid_request', /actor_token: is not supported/],
    [exchangeFields('a'.repeat(17_000)), 'invalid_request', /subject_token/],
    [exchangeFields(''), 'invalid_request', /subject_token/],
  ]
  for (const [fields, error, message] of refusals) {
    const { status, body } = await exchange(all.system.url, fields)
    assert.deepEqual([status, body.error, body.code], [400, error, 'bad_request'], JSON.stringify(body))
    assert.match(body.error_description ?? '', message)
    assert.equal(body.error_description, body.error_message)
  }
  const twice = `${new URLSearchParams(exchangeFields(idToken))}&subject_token=x`
  const repeated = await createApiClient(all.system.url, null).call('POST', '/api/v1/token', twice, {
    'Content-Type': 'application/x-www-form-urlencoded',
  })
  assert.match(repeated.text, /the field \\"subject_token\\" twice/)
  const xml = await createApiClient(all.system.url, null).call('POST', '/api/v1/token', '<a/>', {
    'Content-Type': 'text/xml',
  })
  assert.equal(xml.status, 415)
  const elsewhere = await createApiClient(all.system.url, null).call(
    'POST',
    '/api/v1/deployments',
    'name=x',
    {
      'Content-Type': 'application/x-www-form-urlencoded',
    },
  )
  assert.notEqual(elsewhere.status, 200)
})

test('An ID token is exchanged again until its end, and once only where the rule says so', async () => {
  const idToken = await all.ci.sign(githubJob)
  const first = await exchange(all.system.url, idToken)
  const second = await exchange(all.system.url, idToken)
  assert.deepEqual([first.status, second.status], [200, 200])
  assert.notEqual(first.body.access_token, second.body.access_token)

  await all.setTrust([{ ...githubRule(all.ci.issuer), single_use: true, lifetime_seconds: 60 }])
  try {
    const fresh = await all.ci.sign({ ...githubJob, jti: '1' })
    const answers = await waitFor('the new rule counts', async () => {
      const found = await Promise.all([1, 2, 3].map(() => exchange(all.system.url, fresh)))
      return { done: found.some(({ status }) => status === 400), value: found }
    })
    const refused = answers.filter(({ status }) => status === 400)
    assert.match(refused[0]?.body.error_description ?? '', /exchanged before.*single_use/)
    const next = await all.ci.sign({ ...githubJob, jti: '2' })
    const used = await Promise.all([1, 2, 3, 4].map(() => exchange(all.system.url, next)))
    assert.equal(used.filter(({ status }) => status === 200).length, 1)
    assert.equal(used.find(({ status }) => status === 200)?.body.expires_in, 60)
  } finally {
    await all.setTrust(trust(all.ci.issuer))
  }
})

test('A token ends with its rule, comes back with it, and follows its names', async () => {
  const client = withToken(await tokenOf(githubJob))
  const me = () => client.api('GET', '/whoami')
  const waitForStatus = (status: number) =>
    waitFor(`whoami answers ${status}`, async () => {
      const seen = await me()
      return { done: seen.status === status, value: seen, seen: seen.text }
    })
  await all.setTrust([gitlabRule(all.ci.issuer)])
  assert.match((await waitForStatus(401)).text, /The policy has changed since this token was given/)
  await all.setTrust([{ ...githubRule(all.ci.issuer), role: 'viewer', names: ['other'] }])
  const limited = (await waitForStatus(200)).body as { grants: unknown }
  assert.deepEqual(limited.grants, [{ role: 'viewer', names: ['other'], rule: 'trust rule 1 of the policy' }])
  await all.setTrust(trust(all.ci.issuer))
  await waitFor('the first rule counts again', async () => {
    const { role } = (await me()).body as { role: string }
    return { done: role === 'developer', value: null, seen: role }
  })
})

test('An admin sees tokens of jobs and revokes one; it ends at another server within a second', async () => {
  const second = await all.system.startServer()
  const token = await tokenOf(githubJob)
  assert.equal((await withToken(token, second.url).api('GET', '/whoami')).status, 200)
  const admin = createApiClient(all.system.url)
  const listed = (await admin.api('GET', '/tokens?all=true')).body as {
    token_id: number
    kind: string
    name: string
  }[]
  const newest = listed.toSorted((a, b) => b.token_id - a.token_id)[0]
  assert.deepEqual([newest?.kind, newest?.name], ['exchange', 'github:dev1, acme/shop#412, run 99'])
  assert.equal((await admin.api('DELETE', `/tokens/${newest?.token_id}`)).status, 200)
  const startedAtMs = performance.now()
  await waitFor('the other server refuses it', async () => {
    const { status } = await withToken(token, second.url).api('GET', '/whoami')
    return { done: status === 401, value: null, seen: status }
  })
  assert.ok(performance.now() - startedAtMs < 5000)
})

test('A token that has expired is refused; ended tokens and uses are deleted', async () => {
  const token = await tokenOf(githubJob)
  await withDatabase(all.system.databaseUrl, async (client) => {
    await client.query(
      `update access_tokens set expires_at = now() - interval '1 hour' where kind = 'exchange'`,
    )
    await client.query(
      `insert into used_id_tokens (hash, expires_at) values ('\\x01', now() - interval '1 second')`,
    )
    const { text, status } = await withToken(token).api('GET', '/whoami')
    assert.equal(status, 401)
    assert.match(text, /has expired\. Exchange an ID token again/)
    await tokenOf(githubJob)
    const { rows } = await client.query(
      `select (select count(*)::int from access_tokens where kind = 'exchange') as tokens,
         (select count(*)::int from used_id_tokens where expires_at < now()) as uses`,
    )
    assert.deepEqual(rows, [{ tokens: 1, uses: 0 }])
  })
})

test('No ID token and no token of a job stands in the log or in the database', async () => {
  const idToken = await all.ci.sign(githubJob)
  const token = (await exchange(all.system.url, idToken)).body.access_token ?? ''
  await withToken(token).api('GET', '/whoami')
  const log = all.system.server.lines.join('\n')
  for (const secret of [idToken, idToken.split('.')[2] ?? '', token]) assert.ok(!log.includes(secret))
  await withDatabase(all.system.databaseUrl, async (client) => {
    const { rows } = await client.query('select * from access_tokens')
    assert.ok(!JSON.stringify(rows).includes(token))
  })
})

test('Without trust rules the answer says so', async () => {
  const server = await all.system.startServer({ OCTOPOD_POLICY: '', ANONYMOUS_ROLE: 'viewer' })
  const { status, body } = await exchange(server.url, await all.ci.sign(githubJob))
  assert.deepEqual([status, body.code, body.error], [400, 'no_trust_rules', 'invalid_request'])
  await server.stop()
})
