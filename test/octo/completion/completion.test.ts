/** Shell completion: the candidates of octo, and the scripts in real shells. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { fakeServer, octoCommand, runOcto } from '../fake-server.ts'
import { fullInfo, summary } from '../wire-fixtures.ts'

const archived = { status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Archived' } } }

const startFakeServer = (t: TestContext) =>
  fakeServer(t, {
    'GET /api/v1/deployments': {
      body: [
        fullInfo('feature-1', { last_action: summary }),
        fullInfo('feature-2'),
        fullInfo('old-1', archived),
      ],
    },
    'GET /api/v1/deployment_override_keys': { body: ['region'] },
    'GET /api/v1/deployment_overrides': { body: [['region', 'eu']] },
    'POST /api/v1/application_override_keys': { body: ['image.tag', 'replicas'] },
  })

const complete = async (url: string, ...words: string[]) => {
  const { code, stdout, stderr } = await runOcto({ OCTOPOD_URL: url }, 'complete', '--', ...words)
  assert.deepEqual([code, stderr], [0, ''])
  return stdout.split('\n').filter(Boolean)
}

// The processes mostly wait.
suite('completion', { concurrency: 4 }, () => {
  for (const [words, expected] of [
    [['re'], ['restore', 'retry', 'resume']],
    [['help', 'wh'], ['whoami']],
    [
      ['update', '-n', ''],
      ['feature-1', 'feature-2'],
    ],
    [['restore', '--name', ''], ['old-1']],
    [['restore', ''], ['old-1']],
    [
      ['archive', '--wait', '--timeout', '5m', 'f'],
      ['feature-1', 'feature-2'],
    ],
    [['diff', 'old-1', 'o'], ['old-1']],
    [['info', 'old-1', '--o'], ['--output']],
    [['create', 'f'], []],
    [['policy', 'explain', 'o'], ['old-1']],
    [['info', '-n', 'o'], ['old-1']],
    [['create', '-n', ''], []],
    [['logs', '-a', ''], ['7']],
    [
      ['list', '-o', 'j'],
      ['json', 'jsonl'],
    ],
    [['create', '-o', 'r'], ['region=']],
    [['update', '-n', 'x', '-O', ''], ['region']],
    [['update', '-n', 'x', '-e', 'i'], ['image.tag=']],
    [
      ['update', '-E', ''],
      ['image.tag', 'replicas'],
    ],
    [
      ['archive', '--w'],
      ['--wait', '--when-busy'],
    ],
    [
      ['wait', '--for', ''],
      ['running', 'archived', 'gone'],
    ],
    [
      ['context', ''],
      ['set', 'use', 'remove'],
    ],
    [['context', 'set', 'x', '--u'], ['--url']],
    [
      ['policy', ''],
      ['check', 'explain', 'show'],
    ],
    [['po'], ['policy']],
    [['policy', 'check', ''], []],
    [['policy', 'explain', '--right', 'arch'], ['archive']],
    [['owner', 'old'], ['old-1']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['update', '-f', ''], []],
    [['nonsense', ''], []],
    [['api', 'G'], ['GET']],
    [
      ['api', 'GET', '/deployment_o'],
      ['/deployment_overrides', '/deployment_override_keys'],
    ],
    [
      ['list', '--status', 'Arch'],
      ['ArchivePending', 'Archived'],
    ],
    [
      ['logs', '-f', 'f'],
      ['feature-1', 'feature-2'],
    ],
  ] as const) {
    test(`Candidates after octo ${words.join(' ')}`, async (t) => {
      const { url } = await startFakeServer(t)
      assert.deepEqual(await complete(url, ...words), expected)
    })
  }

  test('Without a server there are no candidates and no messages', async () => {
    assert.deepEqual(await complete('http://127.0.0.1:1', 'info', '-n', ''), [])
    const unset = await runOcto({}, 'complete', '--', 'info', '-n', '')
    assert.deepEqual(unset, { code: 0, stdout: '', stderr: '' })
  })

  /** The arguments that make each shell print its candidates. */
  const shellCommands: Record<string, string[]> = {
    bash: [
      '-c',
      `source <(octo completion bash); COMP_WORDS=(octo info -n feat); COMP_CWORD=3; _octo; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    zsh: [
      '-fc',
      'compdef() { :; }; compadd() { shift; print -l -- $@; }; source <(octo completion zsh); words=(octo info -n feat); CURRENT=4; _octo',
    ],
    fish: ['-c', 'octo completion fish | source; complete -C "octo info -n feat"'],
  }

  for (const [shell, args] of Object.entries(shellCommands)) {
    test(`The script of ${shell} completes names of deployments`, async (t) => {
      const { url } = await startFakeServer(t)
      const syntax = await runOcto({}, 'completion', shell)
      assert.equal(syntax.code, 0)
      if (!isInstalled(shell)) return t.skip(`${shell} is not installed`)
      const folder = mkdtempSync(join(tmpdir(), 'octo-shell-'))
      t.after(() => rmSync(folder, { recursive: true, force: true }))
      const command = octoCommand.map((word) => `'${word}'`).join(' ')
      writeFileSync(join(folder, 'octo'), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 })
      const env = { PATH: `${folder}:${process.env.PATH}`, OCTOPOD_URL: url, HOME: folder }
      const stdout = await new Promise<string>((resolve) => {
        execFile(shell, args, { env, timeout: 20_000 }, (_, out) => resolve(out))
      })
      assert.deepEqual(stdout.trim().split('\n'), ['feature-1', 'feature-2'])
    })
  }

  function isInstalled(shell: string): boolean {
    try {
      execFileSync(shell, ['-c', 'exit 0'])
      return true
    } catch {
      return false
    }
  }
})
