/** The local control scripts, called as a runner calls them: real executables and real processes. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { KeyValue } from '../../../domain/overrides.ts'
import {
  configArguments,
  lifecycleArguments,
  notificationArguments,
  type ScriptName,
  scriptNames,
} from '../../../domain/script.ts'
import { pollUntil } from '../../../lib/node/poll-until.ts'
import { processIdentity } from '../../../lib/node/process-identity.ts'

const scripts = join(import.meta.dirname, '../../../infra/control-scripts/local')
const root = mkdtempSync(join(tmpdir(), 'octopod-deployments-'))
const project = { projectName: 'Our shop', baseDomain: 'localhost', namespace: '../n' }
const names = new Set<string>()
after(async () => {
  for (const name of names) await run('cleanup', argumentsOf(name))
  rmSync(root, { recursive: true, force: true })
})

type Result = { code: number; stdout: string; stderr: string }

function run(script: ScriptName, args: string[], more: Record<string, string> = {}): Promise<Result> {
  const path = [dirname(process.execPath), process.env.PATH].join(':')
  const env = { PATH: path, OCTOPOD_LOCAL_DATA: root, ...more }
  return new Promise((resolve) => {
    execFile(join(scripts, script), args, { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
  })
}

function argumentsOf(name: string, application: KeyValue[] = [], deployment: KeyValue[] = []): string[] {
  names.add(name)
  const tag: KeyValue[] = application.some(([key]) => key === 'image.tag') ? [] : [['image.tag', 'v1']]
  return lifecycleArguments(project, name, { application: [...tag, ...application], deployment })
}

async function linkOf(name: string): Promise<string> {
  const { stdout } = await run('info', argumentsOf(name))
  return /^app,(http:\/\/127\.0\.0\.1:\d+\/)\n$/.exec(stdout)?.[1] ?? assert.fail(`no link in ${stdout}`)
}

async function visit(link: string): Promise<{ visits: number; html: string } | null> {
  try {
    const html = await (await fetch(link)).text()
    return { visits: Number(/id="visits">(\d+)</.exec(html)?.[1]), html }
  } catch {
    return null
  }
}

const folderOf = (name: string) => join(root, 'Our%20shop', '%2E.%2Fn', name)
const processOf = (name: string, index: number) =>
  JSON.parse(readFileSync(join(folderOf(name), `run/${index}.json`), 'utf8')) as { pid: number; port: number }

// Most of the time the tests wait for processes, so four run at once.
describe('The local control scripts', { concurrency: 4 }, () => {
  test('On an old Node a script prints one sentence', async () => {
    const old = { NODE_OPTIONS: '--import "data:text/javascript,delete Map.groupBy"' }
    const { code, stderr } = await run('info', argumentsOf('too-old'), old)
    assert.match(stderr, /^These scripts need Node 21 or newer, not v\d+.*\.\n$/)
    assert.equal(code, 1)
  })

  test('Every script exists and is executable', () => {
    for (const name of scriptNames) accessSync(join(scripts, name), constants.X_OK)
  })

  test('Link and visits survive update, archive and restore, and cleanup leaves nothing', async () => {
    const life = argumentsOf('life')
    const link = await linkOf('life')
    assert.equal((await run('check', life)).code, 1, 'does not exist yet')
    assert.equal((await run('archive_check', life)).code, 0, 'nothing runs yet')

    assert.equal((await run('create', life)).code, 0)
    assert.equal((await run('check', life)).code, 0)
    assert.equal((await run('archive_check', life)).code, 1)
    assert.equal((await visit(link))?.visits, 1)
    assert.equal((await run('create', life)).code, 0, 'create can be repeated')

    const updated = argumentsOf('life', [['image.tag', 'v2']])
    assert.equal((await run('check', updated)).code, 3, 'the running tag differs from the configured one')
    assert.equal((await run('update', updated)).code, 0)
    assert.equal((await run('check', updated)).code, 0)
    const page = await visit(link)
    assert.equal(page?.visits, 2)
    assert.match(page?.html ?? '', /release v2/)

    for (const _ of ['once', 'twice']) assert.equal((await run('archive', updated)).code, 0)
    assert.equal((await run('archive_check', updated)).code, 0)
    assert.equal((await run('check', updated)).code, 1)
    assert.equal(await visit(link), null)

    assert.equal(await linkOf('life'), link)
    assert.equal((await run('unarchive', updated)).code, 0)
    assert.equal((await visit(link))?.visits, 3)

    for (const _ of ['once', 'twice']) assert.equal((await run('cleanup', updated)).code, 0)
    assert.equal(await visit(link), null)
    assert.ok(!existsSync(folderOf('life')))
    assert.ok(!existsSync(join(root, 'ports', new URL(link).port)))
  })

  test('An app that is ready before the script continues is found', async () => {
    const slow = `data:text/javascript,${encodeURIComponent(`import processes from 'node:child_process'
      import { syncBuiltinESMExports } from 'node:module'
      const { spawn } = processes
      processes.spawn = (...args) => {
        const child = spawn(...args)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000)
        return child
      }
      syncBuiltinESMExports()`)}`
    const { code, stdout } = await run('create', argumentsOf('quick'), { NODE_OPTIONS: `--import "${slow}"` })
    assert.equal(code, 0, stdout)
    assert.equal((await run('check', argumentsOf('quick'))).code, 0)
  })

  test('check distinguishes a missing replica from a missing app, and update restarts both', async () => {
    const two = argumentsOf('replicas', [], [['app.replicas', '2']])
    await run('create', two)
    const before = [processOf('replicas', 0).pid, processOf('replicas', 1).pid] as const
    process.kill(before[1], 'SIGKILL')
    assert.equal((await run('check', two)).code, 2)
    process.kill(before[0], 'SIGKILL')
    assert.equal((await run('check', two)).code, 1)
    assert.equal((await run('update', two)).code, 0)
    assert.equal((await run('check', two)).code, 0)
    assert.equal((await run('update', argumentsOf('replicas'))).code, 0)
    assert.deepEqual(
      readdirSync(join(folderOf('replicas'), 'run')),
      ['0.json'],
      'the second replica is removed',
    )
  })

  test('A process id that another process has now is neither trusted nor killed', async () => {
    const args = argumentsOf('stranger')
    await run('create', args)
    const file = join(folderOf('stranger'), 'run/0.json')
    const { pid } = processOf('stranger', 0)
    process.kill(pid, 'SIGKILL')
    await pollUntil(() => processIdentity(pid) === null, { timeoutMs: 5_000 })
    writeFileSync(file, readFileSync(file, 'utf8').replace(`${pid}`, `${process.pid}`))
    assert.equal((await run('check', args)).code, 1)
    assert.equal((await run('archive_check', args)).code, 0)
    assert.equal((await run('archive', args)).code, 0)
  })

  test('An app whose folder is deleted ends', async () => {
    const args = argumentsOf('orphan')
    await run('create', args)
    const { pid } = processOf('orphan', 0)
    rmSync(folderOf('orphan'), { recursive: true })
    assert.ok(await pollUntil(() => processIdentity(pid) === null, { timeoutMs: 10_000 }))
  })

  test('A reserved port that another program uses fails the action; the next info reserves another port', async () => {
    const link = await linkOf('port')
    const blocker = createServer()
    await new Promise<void>((listening) => blocker.listen(Number(new URL(link).port), '127.0.0.1', listening))
    const failed = await run('create', argumentsOf('port'))
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /is now in use by another program: the next update takes another port\.\n$/)
    assert.notEqual(await linkOf('port'), link)
    assert.equal((await run('update', argumentsOf('port'))).code, 0)
    blocker.close()
  })

  test('Values with special characters reach the page unchanged and escaped', async () => {
    const special: KeyValue[] = [
      ['greeting', `<script>alert("1")</script> & 'two'\nlines`],
      ['banner', '--name=other'],
      ['empty', ''],
      ['equals', 'a=b=c'],
      ['-dash', '$(touch /tmp/never) `id` \\'],
    ]
    assert.equal((await run('create', argumentsOf('special', special))).code, 0)
    const html = (await visit(await linkOf('special')))?.html ?? ''
    assert.ok(!html.includes('<script'))
    assert.ok(html.includes('&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;two&#39;\nlines'))
    assert.ok(
      html.includes('<td>a=b=c</td>') &&
        html.includes('--name=other') &&
        html.includes('$(touch /tmp/never)'),
    )
  })

  const refused: { pairs: KeyValue[]; deployment?: KeyValue[]; expected: RegExp }[] = [
    {
      pairs: [['image.tag', 'v9']],
      expected: /^There is no image with the tag "v9"\. Known tags: v1, v2, v3, .+\.\n$/,
    },
    { pairs: [['image.tag', 'constructor']], expected: /^There is no image with the tag "constructor"/ },
    { pairs: [['color', 'red; background: url(x)']], expected: /^color ".*" is not a color like .+\.\n$/ },
    {
      pairs: [],
      deployment: [['app.replicas', 'many']],
      expected: /^app\.replicas "many" is not a whole number from 1 to 5\.\n$/,
    },
    { pairs: [], deployment: [['app.replicas', '-1']], expected: /^app\.replicas "-1" is not/ },
    {
      pairs: [],
      deployment: [['app.kind', 'zoo']],
      expected: /^app\.kind "zoo" is not one of page, shop\.\n$/,
    },
  ]
  for (const { pairs, deployment = [], expected } of refused) {
    test(`config_check rejects ${JSON.stringify([...pairs, ...deployment])} with one sentence, and create starts nothing`, async () => {
      const args = argumentsOf('refused', pairs, deployment)
      const answer = await run('config_check', args)
      assert.equal(answer.code, 1)
      assert.match(answer.stdout, expected)
      assert.equal((await run('create', args)).code, 1)
      assert.equal((await run('archive_check', args)).code, 0)
    })
  }

  test('config_check reports all problems at once and accepts unknown keys', async () => {
    const bad = await run(
      'config_check',
      argumentsOf(
        'all',
        [
          ['image.tag', 'x'],
          ['color', '1'],
        ],
        [['app.replicas', '']],
      ),
    )
    assert.equal(bad.stdout.trim().split('\n').length, 3)
    assert.equal((await run('config_check', argumentsOf('all', [['anything.else', 'goes']]))).code, 0)
  })

  test('The application config depends on the deployment config; some keys have no default', async () => {
    const runConfigScript = async (script: Parameters<typeof configArguments>[0], deployment: KeyValue[]) =>
      (await run(script, configArguments(script, project, deployment))).stdout
    const shop: KeyValue[] = [['app.kind', 'shop']]
    assert.equal(
      await runConfigScript('deployment_config', []),
      'app.kind,page\napp.replicas,1\napp.start-seconds,0\n',
    )
    assert.equal(
      await runConfigScript('deployment_config_keys', []),
      'app.kind\napp.replicas\napp.start-seconds\n',
    )
    assert.equal(
      await runConfigScript('application_config', []),
      'image.tag,v1\ngreeting,"Hello, world"\ncolor,#2b6cb0\n',
    )
    assert.match(await runConfigScript('application_config', shop), /\nshop\.currency,EUR\nshop\.items,3\n$/)
    assert.equal(await runConfigScript('application_config_keys', []), 'image.tag\ngreeting\ncolor\nbanner\n')
    assert.match(await runConfigScript('application_config_keys', shop), /\nshop\.items\nbanner\n$/)
  })

  test('The release crash fails the action with its output, the release broken fails the check', async () => {
    const crash = await run('create', argumentsOf('crash', [['image.tag', 'crash']]))
    assert.equal(crash.code, 1)
    assert.match(
      crash.stderr,
      /^Replica 0 ended during its start\. This release crashes on purpose: its tag is "crash"\.\n$/,
    )
    const broken = argumentsOf('broken', [['image.tag', 'broken']])
    assert.equal((await run('create', broken)).code, 0)
    assert.equal((await run('check', broken)).code, 1)
  })

  test('Wrong arguments give one sentence on stderr and exit code 1', async () => {
    const calls: [ScriptName, string[], RegExp][] = [
      ['create', [], /^--project-name is missing\.\n$/],
      ['create', ['--name'], /^--name has no value\.\n$/],
      ['create', ['word', 'word'], /^"word" is not an option of this script\.\n$/],
      [
        'create',
        [...argumentsOf('wrong'), '--application-config', 'no pair'],
        /^--application-config "no pair" is not KEY=VALUE\.\n$/,
      ],
      [
        'cleanup',
        lifecycleArguments(project, '../..', { application: [], deployment: [] }),
        /is not the name of a deployment/,
      ],
    ]
    for (const [script, args, expected] of calls) {
      const { code, stderr } = await run(script, args)
      assert.equal(code, 1)
      assert.match(stderr, expected)
    }
  })

  test('init creates the folder, notifications records every status change', async () => {
    assert.equal((await run('init', [])).code, 0)
    await run('notifications', notificationArguments(project, 'life', 'CreatePending', 'Running'))
    const line = readFileSync(join(root, 'notifications.log'), 'utf8').trim()
    const { name, from, to } = JSON.parse(line)
    assert.deepEqual({ name, from, to }, { name: 'life', from: 'CreatePending', to: 'Running' })
  })

  test('app_logs prints the last lines of the app, and with --follow new ones', async () => {
    assert.match((await run('app_logs', argumentsOf('no-logs'))).stderr, /No replica has been started/)
    await run('create', argumentsOf('logged'))
    const link = await linkOf('logged')
    await visit(link)
    const { code, stdout } = await run('app_logs', [...argumentsOf('logged'), '--tail', '2'])
    assert.equal(code, 0)
    assert.match(stdout, /^\[replica 0\] \S+ v1 listens on port \d+\n\[replica 0\] \S+ GET \/ 200\n$/)
    const env = { PATH: [dirname(process.execPath), process.env.PATH].join(':'), OCTOPOD_LOCAL_DATA: root }
    const args = [...argumentsOf('logged'), '--tail', '0', '--follow']
    const child = spawn(join(scripts, 'app_logs'), args, { env })
    let followed = ''
    child.stdout.on('data', (text) => {
      followed += text
    })
    const seen = async () => {
      await visit(link)
      return followed.includes('GET / 200')
    }
    assert.ok(await pollUntil(seen, { timeoutMs: 20_000 }))
    child.kill('SIGTERM')
  })
})
