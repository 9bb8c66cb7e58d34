import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from '../../../domain/read-settings.ts'
import { actorOf } from '../../../functions/auth/actor.ts'

const settings = readSettings('server', { DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x' })
const headersOf = (headers: Record<string, string>) => ({
  get: (name: string) => headers[name.toLowerCase()],
})

test('A trusted proxy header names the actor; the header of the client counts only without one', () => {
  const withProxy = { ...settings, ACTOR_HEADER: 'X-Forwarded-User' }
  const both = headersOf({ 'x-forwarded-user': 'anna', 'octopod-actor': 'mallory' })
  assert.equal(actorOf(withProxy, 'user', both).actor, 'anna')
  assert.equal(actorOf(settings, 'user', both).actor, 'mallory')
  assert.equal(
    actorOf(settings, 'user', headersOf({ authorization: `Basic ${btoa('bob:secret')}` })).actor,
    'bob',
  )
  assert.equal(actorOf(settings, 'user', headersOf({})).actor, 'user')
  assert.equal(
    actorOf(settings, 'user', headersOf({ 'octopod-actor': 'a%0Ab'.repeat(200) })).actor.length,
    200,
  )
  assert.doesNotMatch(actorOf(settings, 'user', headersOf({ 'octopod-actor': 'a%0Ab' })).actor, /\n/)
})

test('A name or reason of the client with C1 codes or overrides of the direction is refused; other names lose them', () => {
  for (const name of ['Octopod-Actor', 'Octopod-Reason'])
    for (const text of ['\u0085', '\u009b31m', '\u202egpj.exe', '\u2066'])
      assert.throws(
        () => actorOf(settings, 'user', headersOf({ [name.toLowerCase()]: encodeURIComponent(`a${text}b`) })),
        {
          code: 'bad_request',
          message: `${name} contains a control character, or one that overrides the direction of text.`,
        },
      )
  const withProxy = { ...settings, ACTOR_HEADER: 'X-Forwarded-User' }
  assert.equal(actorOf(withProxy, 'user', headersOf({ 'x-forwarded-user': 'an\u202ena' })).actor, 'an na')
  const reason = encodeURIComponent('שלום\u200f: zwei\nZeilen')
  assert.equal(
    actorOf(settings, 'user', headersOf({ 'octopod-reason': reason })).reason,
    'שלום\u200f: zwei Zeilen',
  )
})
