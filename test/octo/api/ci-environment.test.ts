/** The variables of CI systems. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRequester } from '../../../octo/api/ci-environment.ts'

test('Actor and run come from the variables of CI systems', () => {
  for (const [environment, ciRun] of [
    [{ GITLAB_CI: 'true', CI: 'true', CI_JOB_URL: 'https://gitlab/j/1' }, 'GitLab CI: https://gitlab/j/1'],
    [{ BUILDKITE: 'true', BUILDKITE_BUILD_URL: 'https://bk/1' }, 'Buildkite: https://bk/1'],
    [{ CIRCLECI: 'true', CIRCLE_BUILD_URL: 'https://cc/1' }, 'CircleCI: https://cc/1'],
    [{ JENKINS_URL: 'https://j/', BUILD_URL: 'https://j/1' }, 'Jenkins: https://j/1'],
    [
      {
        TF_BUILD: 'True',
        SYSTEM_TEAMFOUNDATIONCOLLECTIONURI: 'https://dev.azure.com/o/',
        SYSTEM_TEAMPROJECT: 'p',
        BUILD_BUILDID: '3',
      },
      'Azure Pipelines: https://dev.azure.com/o/p/_build/results?buildId=3',
    ],
    [{ GITHUB_ACTIONS: 'true' }, 'GitHub Actions'],
    [{ CI: '1' }, 'CI'],
  ] as const)
    assert.deepEqual(readRequester(environment), { actor: null, source: 'ci', ciRun })
  assert.deepEqual(readRequester({ CI: 'false', USER: 'ann' }), { actor: 'ann', source: 'octo', ciRun: null })
})
