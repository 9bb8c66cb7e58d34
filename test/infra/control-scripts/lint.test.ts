/** The linter of control scripts: valid scripts pass, and each kind of error is reported with a clear message. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { scriptNames, scripts } from '../../../domain/script.ts'

const root = join(import.meta.dirname, '../../..')

/** The body of each valid script. */
const validScripts: Record<string, string> = {
  deployment_config: 'echo region,eu',
  deployment_config_keys: 'echo region',
  application_config: 'echo image.tag,v1',
  application_config_keys: 'echo image.tag',
  info: 'echo app,https://app.example.com',
  check: 'exit 1',
}

function scriptFolder(t: TestContext, changes: Record<string, string | null> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'octopod-lint-test-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const name of scriptNames.filter((each) => !scripts[each].optional)) {
    const lines = changes[name] === undefined ? (validScripts[name] ?? '') : changes[name]
    if (lines !== null)
      writeFileSync(join(path, name), `#!/bin/sh\necho "${name}" >> '${path}/calls'\n${lines}\n`, {
        mode: 0o755,
      })
  }
  return path
}

type LintReport = { code: number; stdout: string; stderr: string }

function runLint(args: string[], environment: Record<string, string> = {}): Promise<LintReport> {
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    SCRIPT_QUERY_TIMEOUT: '3',
    CONFIG_CHECK_TIMEOUT: '3',
    ...environment,
  }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, 'infra/control-scripts/lint/main.ts'), ...args],
      { env },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    )
  })
}

const calls = (path: string) => new Set(readFileSync(join(path, 'calls'), 'utf8').trim().split('\n'))

describe('The linter of control scripts', { concurrency: 2 }, () => {
  test('accepts valid scripts and runs only those that change nothing', async (t) => {
    const path = scriptFolder(t)
    const { code, stdout } = await runLint([path])
    assert.match(stdout, /\n13 findings: 0 errors, 1 warning\.\n$/)
    assert.match(
      stdout,
      /^ +warning +The values of the config are arguments, .+ write "config: file" into octopod\.yaml/m,
    )
    assert.match(stdout, /^application_config +ok +\d+ ms {2}1 default$/m)
    assert.equal(code, 0)
    for (const name of ['create', 'update', 'archive', 'unarchive', 'cleanup'])
      assert.ok(!calls(path).has(name), name)
  })

  test('accepts a whole lifecycle of the local control scripts', async (t) => {
    const path = scriptFolder(t)
    const { code, stdout } = await runLint(
      [join(root, 'infra/control-scripts/local'), '--lifecycle', 'lint-life'],
      {
        OCTOPOD_LOCAL_DATA: path,
        SCRIPT_QUERY_TIMEOUT: '30',
      },
    )
    assert.equal(code, 0, stdout)
    for (const name of ['init', 'notifications', 'create', 'update', 'archive', 'unarchive', 'cleanup'])
      assert.match(stdout, new RegExp(`^${name} +ok `, 'm'))
  })

  test('warns of keys of the manifest that are unknown, and reports an invalid one', async (t) => {
    const path = scriptFolder(t)
    writeFileSync(join(path, 'octopod.yaml'), 'version: 1\none_pipes: true\n')
    const warned = await runLint([path])
    assert.match(
      warned.stdout,
      /^ +warning +octopod\.yaml: Octopod does not know the key one_pipes and ignores it\.$/m,
    )
    assert.equal(warned.code, 0)
    writeFileSync(join(path, 'octopod.yaml'), 'version: 2\n')
    const refused = await runLint([path])
    assert.match(refused.stdout, /^ +error +the manifest \S+ is invalid: version must be 1/m)
    assert.equal(refused.code, 1)
  })

  const readsFile = 'cat "$OCTOPOD_CONFIG_FILE" > /dev/null'
  const configFileCases: [string, Record<string, string | null>, string[], number, RegExp][] = [
    [
      'accepts config: file when a script reads the file',
      { info: `${readsFile}; echo app,https://a.b` },
      [],
      0,
      /\n12 findings: 0 errors, 0 warnings\.\n$/,
    ],
    [
      'warns when no script that ran reads the file',
      {},
      [],
      0,
      /^ +warning +octopod\.yaml has "config: file", but no script has read .+ use --lifecycle\.$/m,
    ],
    [
      'reports an error when not even create reads the file',
      {
        check: `[ -e "$(dirname "$0")/up" ]`,
        create: `touch "$(dirname "$0")/up"`,
        archive: `rm -f "$(dirname "$0")/up"`,
        unarchive: `touch "$(dirname "$0")/up"`,
      },
      ['--lifecycle', 'some-life'],
      1,
      /^ +error +octopod\.yaml has "config: file", but no script has read the file/m,
    ],
    [
      'warns of a secret that a script prints from the file',
      { check: 'cat "$OCTOPOD_CONFIG_FILE"; exit 1' },
      [],
      0,
      /^check +warning .+It prints the value of lint\.password/m,
    ],
    [
      'passes no value as an argument',
      { config_check: `[ $# = 8 ] || { echo "$*"; exit 1; }; ${readsFile}` },
      [],
      0,
      /^config_check +ok .+accepts the defaults/m,
    ],
  ]
  for (const [title, changes, args, expectedCode, expected] of configFileCases)
    test(title, async (t) => {
      const path = scriptFolder(t, changes)
      writeFileSync(join(path, 'octopod.yaml'), 'version: 1\nconfig: file\n')
      const { code, stdout } = await runLint([path, ...args], { TMPDIR: path })
      assert.match(stdout, expected)
      assert.equal(code, expectedCode, stdout)
      assert.deepEqual(
        readdirSync(path).filter((name) => name.startsWith('octopod-config.')),
        [],
      )
    })

  const errorCases: [string, Record<string, string | null>, RegExp][] = [
    ['a script that is missing', { info: null }, /error +the info script does not exist: /],
    [
      'CSV that cannot be parsed',
      { application_config: `printf 'a,"b\\n'` },
      /^application_config +error .+line 1: a quote is opened but not closed/m,
    ],
    ['a row with three columns', { info: 'echo a,b,c' }, /^info +error .+expected 2 columns, found 3/m],
    [
      'a failing config script',
      { deployment_config: 'echo no access >&2; exit 4' },
      /^deployment_config +error .+It exited with 4\. no access/m,
    ],
    [
      'a script that takes too long',
      { config_check: 'sleep 60' },
      /^config_check +error .+It did not exit within (?:[3-9]|\d\d)\d{3} ms/m,
    ],
    [
      'a missing program',
      { config_check: 'no-such-program' },
      /^config_check +error .+exited with 127: a program that it calls does not exist/m,
    ],
    [
      'values that are passed to a shell',
      { info: `for a in "$@"; do eval "x=\\"$a\\"" 2>/dev/null; done; echo app,https://a.b` },
      /^info +error .+It passes values to a shell: a value was run as a command/m,
    ],
    [
      'output without end',
      { application_config_keys: 'yes key | head -c 2000000' },
      /^application_config_keys +error .+printed more than 1048576 bytes/m,
    ],
  ]
  for (const [problem, changes, expected] of errorCases)
    test(`reports an error for ${problem}`, async (t) => {
      const { code, stdout } = await runLint([scriptFolder(t, changes)])
      assert.match(stdout, expected)
      assert.equal(code, 1)
    })

  const warningCases: [string, Record<string, string | null>, RegExp][] = [
    [
      'a link that is not http or https',
      { info: 'echo app,ftp://x' },
      /^info +warning .+is not an http or https link/m,
    ],
    [
      'a rejection without a message',
      { config_check: 'echo why >&2; exit 1' },
      /^config_check +warning .+rejects the defaults without a message on stdout/m,
    ],
    [
      'a check that exits with 0 for a deployment that does not exist',
      { check: 'exit 0' },
      /^check +warning .+exits with 0, although octopod-lint does not exist/m,
    ],
    [
      'secrets in the output',
      { check: 'echo "$@"; exit 1' },
      /^check +warning .+It prints the value of lint\.password/m,
    ],
  ]
  for (const [problem, changes, expected] of warningCases)
    test(`only warns of ${problem}, because nothing would fail in use`, async (t) => {
      const { code, stdout } = await runLint([scriptFolder(t, changes)])
      assert.match(stdout, expected)
      assert.equal(code, 0, stdout)
    })

  test('only warns of scripts of the lifecycle that cannot be repeated, and of failing notifications', async (t) => {
    const path = scriptFolder(t, {
      check: `[ -e "$(dirname "$0")/up" ]`,
      create: `touch "$(dirname "$0")/up"`,
      archive: `rm -f "$(dirname "$0")/up"`,
      unarchive: `touch "$(dirname "$0")/up"`,
      cleanup: `mkdir "$(dirname "$0")/gone" 2>/dev/null || { echo 'release not found' >&2; exit 101; }`,
    })
    writeFileSync(join(path, 'notifications'), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
    const { code, stdout } = await runLint([path, '--lifecycle', 'some-life'])
    assert.match(
      stdout,
      /^cleanup +warning .+It cannot be repeated.+ It exited with 101\.[\s\S]+release not found/m,
    )
    assert.match(stdout, /^notifications +warning .+Octopod ignores this\. It exited with 3/m)
    assert.equal(code, 0, stdout)
  })

  test('reports a file that is not executable and a missing interpreter', async (t) => {
    const path = scriptFolder(t)
    writeFileSync(join(path, 'check'), '#!/no/such/interpreter\n')
    chmodSync(join(path, 'archive'), 0o644)
    const { code, stdout } = await runLint([path])
    assert.match(stdout, /the archive script is not an executable file: .+make it executable with chmod \+x/)
    assert.match(stdout, /^check +error .+its interpreter, named in its first line, is not on this machine/m)
    assert.equal(code, 1)
  })

  test('only warns of missing links, rejected defaults and an archive_check that never succeeds', async (t) => {
    const path = scriptFolder(t, {
      info: '',
      config_check: 'echo image.tag: choose one; exit 1',
      archive_check: 'exit 1',
    })
    const { code, stdout } = await runLint([path])
    assert.match(stdout, /^info +warning .+prints no link/m)
    assert.match(stdout, /^config_check +warning .+rejects the defaults.+image\.tag: choose one/m)
    assert.match(stdout, /^archive_check +warning .+could never be archived/m)
    assert.equal(code, 0)
  })

  test('cleans up even when a step of the lifecycle fails, and does not touch a running deployment', async (t) => {
    const path = scriptFolder(t, {
      check: `[ -e "$(dirname "$0")/up" ]`,
      create: `touch "$(dirname "$0")/up"`,
      update: 'echo no space >&2; exit 5',
    })
    const failed = await runLint([path, '--lifecycle', 'some-life'])
    assert.match(failed.stdout, /^update +error .+It exited with 5\. no space/m)
    assert.match(failed.stdout, /^cleanup +ok/m)
    assert.equal(failed.code, 1)
    const taken = await runLint([path, '--lifecycle', 'some-life'])
    assert.match(
      taken.stdout,
      /^check +error .+some-life is already running; give --lifecycle an unused name/m,
    )
    assert.doesNotMatch(taken.stdout, /^(create|cleanup) /m)
  })

  test('reports a check that does not succeed within the timeout', async (t) => {
    const { code, stdout } = await runLint([scriptFolder(t), '--lifecycle', 'some-life', '--timeout', '1'])
    assert.match(stdout, /^check +error +It still exits with 1 after 1 s\./m)
    assert.equal(code, 1)
  })

  test('passes config of the command line to the scripts and accepts the other file names', async (t) => {
    const path = scriptFolder(t, {
      config_check: `case "$*" in *"--application-config image.tag=v9 --application-config x=y --deployment-config region=us"*) ;; *) echo "$*"; exit 1 ;; esac`,
    })
    cpSync(join(path, 'application_config'), join(path, 'app_overrides'))
    rmSync(join(path, 'application_config'))
    const more = [
      '--application-config',
      'image.tag=v9',
      '--application-config',
      'x=y',
      '--deployment-config',
      'region=us',
    ]
    const { stdout } = await runLint([path, ...more])
    assert.match(stdout, /^config_check +ok .+accepts the defaults/m)
  })

  test('exits with 2 and the usage for wrong arguments', async (t) => {
    const path = scriptFolder(t)
    for (const [args, expected] of [
      [[], /^One FOLDER is needed\./],
      [[path, '--lifecycle', 'NO'], /^Name "NO"/],
      [[path, '--timeout', 'x'], /^--timeout x is not a number of seconds/],
      [[path, '--application-config', 'x'], /^"x" is not KEY=VALUE/],
      [[path, '--what'], /--what/],
    ] as [string[], RegExp][]) {
      const { code, stderr } = await runLint(args)
      assert.match(stderr, expected)
      assert.match(stderr, /lint\/main\.ts FOLDER/)
      assert.equal(code, 2)
    }
    assert.match((await runLint([join(path, 'nowhere')])).stdout, /which is not a folder/)
  })
})
