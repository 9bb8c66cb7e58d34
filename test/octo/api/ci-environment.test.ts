/** The variables of CI systems, as the server gets them. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { fakeServer, runOcto, success } from '../fake-server.ts'

const systems: [
  environment: Record<string, string>,
  source: string,
  actor: string | null,
  run: string | null,
][] = [
  [
    {
      GITHUB_ACTIONS: 'true',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_RUN_ID: '9',
      GITHUB_ACTOR: 'ann',
      USER: 'runner',
    },
    'ci',
    'ann',
    'GitHub Actions: https://github.com/o/r/actions/runs/9',
  ],
  [
    { GITLAB_CI: 'true', CI: 'true', CI_JOB_URL: 'https://gitlab/j/1' },
    'ci',
    null,
    'GitLab CI: https://gitlab/j/1',
  ],
  [{ BUILDKITE: 'true', BUILDKITE_BUILD_URL: 'https://bk/1' }, 'ci', null, 'Buildkite: https://bk/1'],
  [{ CIRCLECI: 'true', CIRCLE_BUILD_URL: 'https://cc/1' }, 'ci', null, 'CircleCI: https://cc/1'],
  [
    { JENKINS_URL: 'https://j/', BUILD_ID: '1', BUILD_URL: 'https://j/1' },
    'ci',
    null,
    'Jenkins: https://j/1',
  ],
  [
    {
      TF_BUILD: 'True',
      SYSTEM_TEAMFOUNDATIONCOLLECTIONURI: 'https://dev.azure.com/o/',
      SYSTEM_TEAMPROJECT: 'p',
      BUILD_BUILDID: '3',
    },
    'ci',
    null,
    'Azure Pipelines: https://dev.azure.com/o/p/_build/results?buildId=3',
  ],
  [{ GITHUB_ACTIONS: 'true' }, 'ci', null, 'GitHub Actions'],
  [{ TEAMCITY_VERSION: '2026.1' }, 'ci', null, 'TeamCity'],
  [{ CI: '1' }, 'ci', null, 'CI'],
  [{ CI: 'false', USER: 'ann' }, 'octo', 'ann', null],
]

// The processes mostly wait.
suite('CI systems', { concurrency: 4 }, () => {
  for (const [environment, source, actor, run] of systems)
    test(`Source, actor and run with ${Object.keys(environment)[0]}=${Object.values(environment)[0]}`, async (t) => {
      const fake = await fakeServer(t, { 'DELETE /api/v1/deployments/x1': success })
      const { code } = await runOcto({ OCTOPOD_URL: fake.url, ...environment }, 'archive', 'x1')
      assert.equal(code, 0)
      const sent = fake.requests[0]?.headers ?? {}
      const text = (name: string) =>
        sent[name] === undefined ? null : decodeURIComponent(String(sent[name]))
      assert.deepEqual(
        [text('octopod-source'), text('octopod-actor'), text('octopod-reason')],
        [source, actor, run],
      )
    })
})
