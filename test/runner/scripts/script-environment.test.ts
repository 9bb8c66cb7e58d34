/**
 * Control scripts see a fixed list of environment variables, further ones by setting, and never the secrets of Octopod.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { scriptEnvironment } from '../../../runner/scripts/script-environment.ts'

suite('The environment of a script', () => {
  const environment = {
    PATH: '/bin',
    HOME: '/root',
    LC_ALL: 'C',
    KUBERNETES_SERVICE_HOST: 'k',
    HELM_BIN: 'h',
    DEFAULTS: 'd',
    OCTOPOD_FENCE: '1',
    MY_OWN: 'm',
    TEAM_A: 'a',
    TEAM_B: 'b',
    PATHOLOGY: 'x',
    DATABASE_URL: 's1',
    REDIS_URL: 's2',
    POWER_AUTHORIZATION_HEADER: 's3',
    APP_AUTHORIZATION_HEADER: 's4',
  }

  test('contains the listed variables and no others', () => {
    assert.deepEqual(Object.keys(scriptEnvironment(environment, '')), [
      'PATH',
      'HOME',
      'LC_ALL',
      'KUBERNETES_SERVICE_HOST',
      'HELM_BIN',
      'DEFAULTS',
      'OCTOPOD_FENCE',
    ])
  })

  test('is extended by names and prefixes', () => {
    const seen = scriptEnvironment(environment, ' MY_OWN, TEAM_* ,,')
    assert.deepEqual([seen.MY_OWN, seen.TEAM_A, seen.TEAM_B, seen.PATHOLOGY], ['m', 'a', 'b', undefined])
  })

  test('never contains the secrets of Octopod, whatever is listed', () => {
    const seen = scriptEnvironment(environment, '*, DATABASE_URL, REDIS_*, POWER_AUTHORIZATION_HEADER, APP_*')
    assert.equal(seen.PATHOLOGY, 'x')
    for (const value of Object.values(seen)) assert.doesNotMatch(value, /^s\d$/)
  })
})
