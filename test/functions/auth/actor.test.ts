import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actorOf } from '../../../functions/auth/actor.ts'
import { rawRequest, serverSettings, testAuth } from '../access/fixtures.ts'

const auth = testAuth(
  serverSettings({
    POWER_AUTHORIZATION_HEADER: 'Bearer a',
    ACTOR_HEADER: 'X-Forwarded-User',
    TRUSTED_PROXIES: '10.0.0.1',
  }),
)
const headersOf = (headers: Record<string, string>) => ({
  get: (name: string) => headers[name.toLowerCase()],
})
const actorFor = async (headers: Record<string, string>, peerAddress = '203.0.113.9') =>
  actorOf(await auth.identifier.identify(rawRequest(headers, peerAddress)), headersOf(headers))

test('The actor is who the request proves to be; a name that the client claims is stored beside it', async () => {
  const claimed = { 'octopod-actor': 'ceo' }
  const rows: [Record<string, string>, string, string, string, string | null][] = [
    [claimed, '203.0.113.9', 'anonymous', 'anonymous', 'ceo'],
    [{ ...claimed, authorization: 'Bearer a' }, '203.0.113.9', 'admin', 'shared', 'ceo'],
    [{ ...claimed, 'x-forwarded-user': 'anna' }, '10.0.0.1', 'anna', 'proxy', 'ceo'],
    [{ ...claimed, 'x-forwarded-user': 'anna' }, '203.0.113.9', 'anonymous', 'anonymous', 'ceo'],
    [{ authorization: `Basic ${btoa('bob:secret')}` }, '203.0.113.9', 'anonymous', 'anonymous', 'bob'],
    [{}, '203.0.113.9', 'anonymous', 'anonymous', null],
  ]
  for (const [headers, peer, actor, proof, claim] of rows) {
    const found = await actorFor(headers, peer)
    assert.deepEqual(
      [found.actor, found.proof, found.claimedActor],
      [actor, proof, claim],
      JSON.stringify(headers),
    )
  }
})

test('A claimed name has at most 200 characters and no line breaks', async () => {
  const { claimedActor } = await actorFor({ 'octopod-actor': 'a%0Ab'.repeat(200) })
  assert.equal(claimedActor?.length, 200)
  assert.doesNotMatch(claimedActor ?? '', /\n/)
})

test('A name or reason of the client with C1 codes or overrides of the direction is refused', async () => {
  for (const name of ['Octopod-Actor', 'Octopod-Reason'])
    for (const text of ['\u0085', '\u009b31m', '\u202egpj.exe', '\u2066'])
      await assert.rejects(actorFor({ [name.toLowerCase()]: encodeURIComponent(`a${text}b`) }), {
        code: 'bad_request',
        message: `${name} contains a control character, or one that overrides the direction of text.`,
      })
  const reason = encodeURIComponent('שלום\u200f: zwei\nZeilen')
  assert.equal((await actorFor({ 'octopod-reason': reason })).reason, 'שלום\u200f: zwei Zeilen')
})
