/** Command lines: every spelling of every option, help texts, and messages for wrong arguments. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CommandClass } from 'clipanion'
import { help } from '../../../octo/cli/help.ts'
import { normalizeArgs } from '../../../octo/cli/normalize-args.ts'
import { commands } from '../../../octo/registry.ts'
import manifest from '../../../package.json' with { type: 'json' }
import { fakeServer, runOcto, success } from '../fake-server.ts'

const commandNames = Object.keys(commands)

const createWith = async (t: Parameters<typeof fakeServer>[0], ...args: string[]) => {
  const fake = await fakeServer(t, { 'POST /api/v1/deployments': success })
  const result = await runOcto({ OCTOPOD_URL: fake.url }, 'create', ...args)
  assert.deepEqual(result, { code: 0, stdout: '', stderr: '' })
  const request = fake.requests.find(({ path }) => path === '/api/v1/deployments')
  return request?.body as { name: string; app_overrides: unknown; deployment_overrides: unknown }
}

// The processes mostly wait.
suite('command lines', { concurrency: 4 }, () => {
  for (const args of [
    ['feature-1', '-e', 'a=1', '-o', 'b=2'],
    ['-e', 'a=1', '-o', 'b=2', 'feature-1'],
    ['feature-1', '-e', 'a=1', '-o', 'b=2', '-n', 'feature-1'],
    ['-e', 'a=1', '-o', 'b=2', '--', 'feature-1'],
    ['-n', 'feature-1', '-e', 'a=1', '-o', 'b=2'],
    ['-nfeature-1', '-ea=1', '-ob=2'],
    ['-n=feature-1', '-e=a=1', '-o=b=2'],
    ['--name', 'feature-1', '--set-app-config', 'a=1', '--set-deployment-config', 'b=2'],
    ['--name=feature-1', '--set-app-config=a=1', '--set-deployment-config=b=2'],
    ['-o', 'b=2', '-e', 'a=1', '-n', 'feature-1'],
  ]) {
    test(`create ${args.join(' ')}`, async (t) => {
      assert.deepEqual(await createWith(t, ...args), {
        name: 'feature-1',
        app_overrides: [['a', { tag: 'ValueAdded', contents: '1' }]],
        deployment_overrides: [['b', { tag: 'ValueAdded', contents: '2' }]],
      })
    })
  }

  test('Values can contain dashes, =, commas, quotes, spaces and new lines, and can be empty', async (t) => {
    const values = ['-1', '--help', 'a=b==', 'a,b', 'two words', 'one\ntwo', `"it's"`, '', '-e', 'Ünïcode 🐙']
    const args = values.flatMap((value, at) => [at % 2 === 0 ? '-e' : '--set-app-config', `k${at}=${value}`])
    const { app_overrides } = await createWith(t, '-n', 'feature-1', ...args)
    assert.deepEqual(
      app_overrides,
      values.map((contents, at) => [`k${at}`, { tag: 'ValueAdded', contents }]),
    )
  })

  test('Keys are normalized, and the last value of a key wins', async (t) => {
    const { app_overrides } = await createWith(
      t,
      '-n',
      'feature-1',
      '-e',
      ' image . tag. = v1 ',
      '-e',
      'image.tag=v2',
    )
    assert.deepEqual(app_overrides, [['image.tag', { tag: 'ValueAdded', contents: 'v2' }]])
  })

  test('normalizeArgs keeps unknown options and everything after --', async () => {
    const normalize = async (command: string, ...args: string[]) =>
      normalizeArgs((await commands[command]?.()) as CommandClass, args)
    assert.deepEqual(await normalize('info', '-x', '--name', 'a', '--', '-n', 'b'), [
      '-x',
      '--name=a',
      '--',
      '-n',
      'b',
    ])
    assert.deepEqual(await normalize('update', '-E', 'a', '-Ob', '--unset-app-env-override=c'), [
      '--unset-app-env-override=a',
      '--unset-deployment-override=b',
      '--unset-app-env-override=c',
    ])
  })

  test('--help of every command prints options and examples on stdout', async () => {
    const all = await runOcto({}, '--help')
    assert.match(all.stdout, /^ {2}webhooks resend {2}send /m)
    assert.match(all.stdout, /^ {2}list {13}list /m)
    assert.equal(all.code, 0)
    assert.equal(all.stderr, '')
    const checkHelp = async (command: string) => {
      assert.match(all.stdout, new RegExp(`^  ${command} +\\S`, 'm'))
      const commandHelp = await runOcto({}, ...command.split(' '), '--help')
      assert.equal(commandHelp.code, 0)
      assert.equal(commandHelp.stderr, '')
      assert.match(commandHelp.stdout, new RegExp(`Examples[\\s\\S]*octo ${command}`))
      assert.doesNotMatch(commandHelp.stdout, /#0|undefined/)
      return commandHelp
    }
    // Runs a few processes at a time.
    for (let at = 0; at < commandNames.length; at += 4)
      await Promise.all(commandNames.slice(at, at + 4).map(checkHelp))
    assert.deepEqual(await runOcto({}, 'help', 'context', 'set'), await checkHelp('context set'))
    assert.deepEqual(await runOcto({}, '-h'), all)
    assert.equal((await runOcto({}, 'create', '-n', '-h')).code, 0)
  })

  test('Help lists required options first and is no wider than the terminal', async () => {
    const { stdout } = await runOcto({}, 'wait', '--help')
    assert.match(
      stdout,
      /^Wait until a deployment is Running, Archived or gone\.\n\nWaits for the state[\s\S]*\n\nUsage: octo wait \[NAME\] \[-a ID\]/,
    )
    assert.match(stdout, /^ {2}-n, --name NAME +name of the deployment, instead of NAME$/m)
    assert.match(stdout, /^ {6}--timeout DURATION +how long to wait, such as 90s or 15m \(default 1h\)$/m)
    assert.match(stdout, /^ {2}-o, --output FORMAT +json, jsonl, table, name or yaml$/m)
    assert.match((await runOcto({}, 'create', '--help')).stdout, /^ {6}--output FORMAT +json/m)
    const [, ...narrow] = help((await commands.create?.()) as CommandClass, 72).split('\n')
    const tooWide = narrow.filter((line) => !/^(Usage| {2}octo)/.test(line) && line.length > 72)
    assert.deepEqual(tooWide, [])
  })

  test('--version, -v and version print the version', async () => {
    for (const arg of ['--version', '-v', 'version']) {
      assert.deepEqual(await runOcto({}, arg), { code: 0, stdout: `${manifest.version}\n`, stderr: '' })
    }
  })

  test('version prints the build of the server, and without an answer that of octo alone', async (t) => {
    const { url } = await fakeServer(t, { 'GET /api/v1/ping': { body: 'abc\n' } })
    assert.deepEqual(await runOcto({ OCTOPOD_URL: url }, 'version'), {
      code: 0,
      stdout: `${manifest.version}\nserver build abc at ${url}\n`,
      stderr: '',
    })
    const clone = await fakeServer(t, { 'GET /api/v1/ping': { body: 'unknown\n' } })
    assert.equal(
      (await runOcto({ OCTOPOD_URL: clone.url }, 'version')).stdout,
      `${manifest.version}\nserver without a build at ${clone.url}\n`,
    )
    const alone = await runOcto({ OCTOPOD_URL: 'http://127.0.0.1:1' }, 'version')
    assert.deepEqual([alone.code, alone.stdout], [7, `${manifest.version}\n`])
  })

  for (const [args, expectedMessage] of [
    [[], /^octo: a command is missing\.\n[\s\S]*Usage: octo COMMAND/],
    [
      ['lsit'],
      /^octo: there is no command "lsit"\. Did you mean list\?\n\nocto --help lists the commands\.\n$/,
    ],
    [['api', 'FETCH', '/x'], /^octo: api needs one of GET, POST, PUT, PATCH, DELETE, not "FETCH"\./],
    [['api', 'GET', 'https://evil.example.com/'], /^octo: PATH is a path below \/api\/v1/],
    [['api', 'GET', '/../../other'], /^octo: PATH is a path below/],
    [['api', 'POST', '/deployments', '-d', '{'], /^octo: -d needs JSON\./],
    [['list', '--status', 'runing'], /^octo: --status needs one of .*Did you mean Running\?/],
    [['apply'], /^octo: apply needs -f FILE\./],
    [['diff', '-f', 'x'], /^octo: diff -f needs one name\./],
    [['deploy'], /Did you mean create --or-update\?/],
    [['__proto__'], /^octo: there is no command "__proto__"\./],
    [['create'], /^octo: create needs NAME\.\n\nUsage: octo create NAME \[-e KEY=VALUE\]/],
    [['logs'], /^octo: logs needs NAME or -a ID\.\nSee octo logs --help\.\n$/],
    [['create', '-n'], /^octo: -n,--name needs a value\.\n\nUsage: octo create/],
    [['create', '-n', '-e', 'a=1'], /^octo: -n,--name needs a value\./],
    [['create', '-n', 'x1', '--tag', 'v1'], /^octo: create has no option --tag\.\n\nUsage: octo create/],
    [
      ['info', 'feature-1', 'more'],
      /^octo: unexpected argument "more": values follow an option\.\n\nUsage: octo info NAME/,
    ],
    ...['archive', 'restore', 'label', 'set', 'retry', 'cancel'].map(
      (name) =>
        [[name, 'feature-1', '--bogus'], new RegExp(`^octo: ${name} has no option --bogus\\.`)] as const,
    ),
    [
      ['label', 'feature-1', 'team=shop', '--overwrite'],
      /^octo: label has no option --overwrite\.\n\nUsage: octo label \[NAME…\] \[KEY=VALUE…\] \[KEY-…\] /,
    ],
    [['list', '--status', 'Failin'], /^octo: --status needs one of .*Did you mean Failing\?/],
    [['archive', 'feature-1', '-n', 'feature-2'], /^octo: archive needs one name: NAME and -n NAME differ\./],
    [['logs', '-n', 'feature-1', 'feature-2'], /^octo: logs needs one name: NAME and -n NAME differ\./],
    [['diff', 'feature-1', '-n', 'feature-2'], /^octo: diff needs NAME or -n NAME, not both\./],
    [['diff', 'x1', 'x2', 'x3'], /^octo: unexpected argument "x3"/],
    [['archive', ''], /^octo: A deployment needs a name\./],
    [['archive', '-n', ''], /^octo: A deployment needs a name\.\nSee octo archive --help\.\n$/],
    [['archive', '-n', '../x'], /^octo: Name "\.\.\/x" must begin with a lower-case letter/],
    [['info', 'Feature/Login_2'], /must begin with a lower-case letter a-z\. Try feature-login-2\./],
    [['cleanup', '-n', 'x'], /^octo: Name "x" is too short/],
    [
      ['create', '-n', 'x1', '-e', 'novalue'],
      /^octo: -e needs KEY=VALUE: "=" is missing\.\nSee octo create --help\.\n$/,
    ],
    [['create', '-n', 'x1', '-o', '=v'], /^octo: -o needs KEY=VALUE: the key before "=" is empty\./],
    [['create', '-n', 'x1', '-e', 'a b=v'], /^octo: Config key "a b" contains white space/],
    [['update', '-n', 'x1', '-E', ' . '], /^octo: -E needs the KEY of a config value\./],
    [['logs', '-a', 'seven'], /^octo: -a needs a whole number greater than 0, not "seven"\./],
    [['logs', '-a', '0'], /^octo: -a needs a whole number greater than 0/],
    [['logs', '-a', '1', '-l', 'nothing'], /^octo: -l needs one of all, both, stdout, out, stderr, err\./],
    [['cancel'], /^octo: cancel needs NAME or -a ID\.\nSee octo cancel --help\.\n$/],
    [['cancel', '-n', 'x1', '-a', '1'], /^octo: cancel needs NAME or -a ID, not both\./],
    [['actions', '-n', 'x1', '--limit', '0'], /^octo: --limit needs a whole number greater than 0/],
    [['list', '-o', 'xml'], /^octo: -o needs one of json, jsonl, table, name, yaml, not "xml"\./],
    [['create', '-n', 'x1', '--wiat'], /^octo: create has no option --wiat\. Did you mean --wait\?/],
    [
      ['archive', '-n', 'x1', '--cancel-on-interrupt'],
      /^octo: --cancel-on-interrupt needs --wait or --follow\./,
    ],
    [['logs', '-a', '1', '--tail', '-1'], /^octo: --tail needs a whole number greater than 0/],
    [['create', '--wait'], /^octo: create needs NAME\./],
    [['create', '-n', 'x1', '--wait=yes'], /^octo: --wait takes no value\./],
    [['create', '-n', 'x1', '--timeout', '5m'], /^octo: --timeout needs --wait or --follow\./],
    [
      ['update', '-n', 'x1', '--wait', '--timeout', 'soon'],
      /^octo: --timeout needs a duration up to 24h, such as 90s/,
    ],
    [['archive', '-n', 'x1', '--idempotency-key', 'a b'], /^octo: --idempotency-key needs 1 to 180 visible/],
    [
      ['create', '-n', 'x1', '--set-app-config-file', 'a=/nonexistent'],
      /^octo: --set-app-config-file a cannot read \/nonexistent: the file does not exist\./,
    ],
    [
      ['create', '-n', 'x1', '--set-app-config-file', 'a'],
      /^octo: --set-app-config-file needs KEY=PATH: "=" is missing\./,
    ],
    [
      ['create', '-n', 'x1', '--set-deployment-config-file', 'a=-', '-f', '-'],
      /^octo: --set-deployment-config-file a and -f both read stdin/,
    ],
    [['wait'], /^octo: wait needs either NAME or -a ID\./],
    [['wait', '-n', 'x1', '--for', 'ever'], /^octo: --for needs one of running, archived, gone\./],
    [['diff', '-a', '1'], /^octo: diff needs one or two names, or -a ID twice\./],
    [['logs', '-a', '1', '-n', 'x1'], /^octo: logs needs NAME or -a ID, not both\./],
    [['context', 'set'], /^octo: context set needs NAME\./],
    [['context', 'sit'], /^octo: unexpected argument "sit"/],
    [['completion', 'tcsh'], /^octo: completion needs one of bash, zsh, fish\./],
  ] as const) {
    test(`Usage error: octo ${args.join(' ')}`, async () => {
      const result = await runOcto({ OCTOPOD_URL: 'http://127.0.0.1:1' }, ...args)
      assert.equal(result.code, 2)
      assert.equal(result.stdout, '')
      assert.match(result.stderr, expectedMessage)
    })
  }
})
