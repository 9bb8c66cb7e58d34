/** Lint of control scripts: a good folder passes, and each thing that can be wrong with one is told in words. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { scriptNames, scripts } from '../../../domain/script.ts'

const root = join(import.meta.dirname, '../../..')

/** What a good set says, as lines of sh. */
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
    SCRIPT_QUERY_TIMEOUT: '3',
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

describe('lint of control scripts', { concurrency: 2 }, () => {
  test('a good folder passes, and nothing was run that changes anything', async (t) => {
    const path = scriptFolder(t)
    const { code, stdout } = await runLint([path])
    assert.match(stdout, /\n12 findings: 0 faults, 0 warnings\.\n$/)
    assert.match(stdout, /^application_config +ok +\d+ ms {2}1 default$/m)
    assert.equal(code, 0)
    for (const name of ['create', 'update', 'archive', 'unarchive', 'cleanup'])
      assert.ok(!calls(path).has(name), name)
  })

  test('the local control scripts pass in a whole life', async (t) => {
    const path = scriptFolder(t)
    const { code, stdout } = await runLint(
      [join(root, 'infra/control-scripts/local'), '--life', 'lint-life'],
      {
        OCTOPOD_LOCAL_DATA: path,
        SCRIPT_QUERY_TIMEOUT: '30',
      },
    )
    assert.equal(code, 0, stdout)
    for (const name of ['init', 'notifications', 'create', 'update', 'archive', 'unarchive', 'cleanup'])
      assert.match(stdout, new RegExp(`^${name} +ok `, 'm'))
  })

  const errorCases: [string, Record<string, string | null>, RegExp][] = [
    ['a script that is missing', { info: null }, /fault +the info script is not there: /],
    [
      'CSV that cannot be read',
      { application_config: `printf 'a,"b\\n'` },
      /^application_config +fault .+line 1: a quote is opened but not closed/m,
    ],
    ['a row of three columns', { info: 'echo a,b,c' }, /^info +fault .+expected 2 columns, found 3/m],
    ['a link that is none', { info: 'echo app,ftp://x' }, /^info +fault .+is not an http or https link/m],
    [
      'a config script that fails',
      { deployment_config: 'echo no access >&2; exit 4' },
      /^deployment_config +fault .+It ended with 4\. no access/m,
    ],
    [
      'an answer that takes too long',
      { config_check: 'sleep 60' },
      /^config_check +fault .+It did not end within 3\d{3} ms/m,
    ],
    [
      'a program that is not there',
      { config_check: 'no-such-program' },
      /^config_check +fault .+ended with 127: a program that it calls is not there/m,
    ],
    [
      'a refusal without words',
      { config_check: 'echo why >&2; exit 1' },
      /^config_check +fault .+does not say why on its standard output/m,
    ],
    [
      'a check that sees what is not there',
      { check: 'exit 0' },
      /^check +fault .+says that octopod-lint is running, which nobody has created/m,
    ],
    [
      'values that a shell reads',
      { info: `for a in "$@"; do eval "x=\\"$a\\"" 2>/dev/null; done; echo app,https://a.b` },
      /^info +fault .+It gives values to a shell: a value was run as a command/m,
    ],
    [
      'secrets in the output',
      { check: 'echo "$@"; exit 1' },
      /^check +fault .+It prints the value of lint\.password/m,
    ],
    [
      'an answer without end',
      { application_config_keys: 'yes key | head -c 2000000' },
      /^application_config_keys +fault .+printed more than 1048576 bytes/m,
    ],
  ]
  for (const [what, different, expected] of errorCases)
    test(`${what}: a fault, told in words`, async (t) => {
      const { code, stdout } = await runLint([scriptFolder(t, different)])
      assert.match(stdout, expected)
      assert.equal(code, 1)
    })

  test('what is not executable is told, and how to mend it; so is an interpreter that is not there', async (t) => {
    const path = scriptFolder(t)
    writeFileSync(join(path, 'check'), '#!/no/such/interpreter\n')
    chmodSync(join(path, 'archive'), 0o644)
    const { code, stdout } = await runLint([path])
    assert.match(stdout, /the archive script is not an executable file: .+chmod \+x makes it one/)
    assert.match(stdout, /^check +fault .+its interpreter, named in its first line, is not on this machine/m)
    assert.equal(code, 1)
  })

  test('warnings are no faults: no link, defaults that are refused, an archive that could never end', async (t) => {
    const path = scriptFolder(t, {
      info: '',
      config_check: 'echo image.tag: choose one; exit 1',
      archive_check: 'exit 1',
    })
    const { code, stdout } = await runLint([path])
    assert.match(stdout, /^info +warning .+tells no link/m)
    assert.match(stdout, /^config_check +warning .+refuses the defaults.+image\.tag: choose one/m)
    assert.match(stdout, /^archive_check +warning .+could never be archived/m)
    assert.equal(code, 0)
  })

  test('a life ends with cleanup also when a step fails, and does not touch what is running', async (t) => {
    const path = scriptFolder(t, {
      check: `[ -e "$(dirname "$0")/up" ]`,
      create: `touch "$(dirname "$0")/up"`,
      update: 'echo no room >&2; exit 5',
    })
    const failed = await runLint([path, '--life', 'some-life'])
    assert.match(failed.stdout, /^update +fault .+It ended with 5\. no room/m)
    assert.match(failed.stdout, /^cleanup +ok/m)
    assert.equal(failed.code, 1)
    const taken = await runLint([path, '--life', 'some-life'])
    assert.match(
      taken.stdout,
      /^check +fault .+some-life is running already: give --life a name that nobody uses/m,
    )
    assert.doesNotMatch(taken.stdout, /^(create|cleanup) /m)
  })

  test('a check that never says yes is given up after the patience', async (t) => {
    const { code, stdout } = await runLint([scriptFolder(t), '--life', 'some-life', '--patience', '1'])
    assert.match(stdout, /^check +fault +It still says 1 after 1 s\./m)
    assert.equal(code, 1)
  })

  test('config on top of the defaults reaches the scripts, and the old names of files are known', async (t) => {
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

  test('called wrongly it says how, with exit code 2', async (t) => {
    const path = scriptFolder(t)
    for (const [args, expected] of [
      [[], /^Give it one folder\./],
      [[path, '--life', 'NO'], /^Name "NO"/],
      [[path, '--patience', 'x'], /^--patience x is not a number of seconds/],
      [[path, '--application-config', 'x'], /^"x" is not KEY=VALUE/],
      [[path, '--what'], /--what/],
    ] as [string[], RegExp][]) {
      const { code, stderr } = await runLint(args)
      assert.match(stderr, expected)
      assert.match(stderr, /lint:scripts FOLDER/)
      assert.equal(code, 2)
    }
    assert.match((await runLint([join(path, 'nowhere')])).stdout, /which is not a folder/)
  })
})
