/** The config file of a script: what it contains, who can read it, and that nothing of it is left. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { EffectiveConfig } from '../../../domain/script.ts'
import { sweepConfigFiles } from '../../../runner/process/config-file-sweep.ts'
import { collectOutput, runProcess } from '../../../runner/process/process.ts'
import { createProcessTable, readRunnerProcess } from '../../../runner/process/process-table.ts'
import {
  createMarker,
  createMarkerPrefix,
  type RunnerProcess,
} from '../../../runner/process/script-marker.ts'
import { createWatchdog } from '../../../runner/process/watchdog.ts'
import { findChildProcesses } from '../../helpers/find-processes.ts'
import {
  fixturePath,
  fixtureRequest,
  isProcessAlive,
  minimalEnvironment,
  waitFor,
} from '../script-fixtures.ts'

/** The temporary folder of the runner, which is this process. */
const temporaryFolder = mkdtempSync(join(tmpdir(), 'octopod-config-test-'))
process.env.TMPDIR = temporaryFolder
after(() => rmSync(temporaryFolder, { recursive: true, force: true }))
const runnerProgram = fileURLToPath(new URL('run-with-watchdog.ts', import.meta.url))

const configFile: EffectiveConfig = {
  application: [
    ['2', 'b'],
    ['1', `it's "TOPSECRET"\nwith = and \0`],
    ['__proto__', ''],
  ],
  deployment: [['db.password', 'TOPSECRET']],
}

/** A temporary folder that no other test uses. */
function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(temporaryFolder, 'own-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const leftovers = (folder = temporaryFolder) =>
  readdirSync(folder).filter((name) => name.startsWith('octopod-config.'))

suite('A config file', () => {
  test('has the config in its order with any key, only the user can read it, and it is removed', async () => {
    const { result, stdout } = await collectOutput(
      fixtureRequest('output/prints-config-file', ['--name', 'x'], { configFile }),
      100_000,
    )
    assert.equal(result.exitCode, 0)
    const { file, visible } = JSON.parse(stdout)
    assert.deepEqual(JSON.parse(file.text), configFile)
    assert.deepEqual(file.modes, ['700', '600'])
    assert.doesNotMatch(visible, /TOPSECRET/)
    assert.deepEqual(leftovers(), [])
  })

  test('does not exist for a script without one', async () => {
    const { stdout } = await collectOutput(fixtureRequest('output/prints-config-file'), 100_000)
    assert.equal(JSON.parse(stdout).file, null)
  })

  test('is removed when the script is cancelled, exceeds its time, or cannot be started', async () => {
    const controller = new AbortController()
    const cancelled = runProcess(
      fixtureRequest('exit/ignores-term', [], {
        configFile,
        signal: controller.signal,
        onOutput: () => {
          assert.equal(leftovers().length, 1)
          controller.abort('cancelled')
        },
      }),
    )
    assert.equal((await cancelled).cancelled, true)
    assert.deepEqual(leftovers(), [])
    const late = await runProcess(fixtureRequest('exit/ignores-term', [], { configFile, timeoutMs: 100 }))
    assert.equal(late.timedOut, true)
    const absent = await runProcess(fixtureRequest('absent', [], { configFile }))
    assert.match(absent.error ?? '', /does not exist/)
    assert.deepEqual(leftovers(), [])
  })

  test('is removed when the output of the script cannot be stored', async () => {
    const onOutput = () => Promise.reject(new Error('no database'))
    const run = runProcess(fixtureRequest('exit/ignores-term', [], { configFile, onOutput }))
    await assert.rejects(run, /no database/)
    assert.deepEqual(leftovers(), [])
  })

  test('with more values than fit into arguments reaches the script', async () => {
    const value = 'x'.repeat(100 * 1024)
    const large: EffectiveConfig = {
      application: Array.from({ length: 200 }, (_, index) => [`key-${index}`, value]),
      deployment: [],
    }
    const args = large.application.map(([key, text]) => `${key}=${text}`)
    const refused = await runProcess(fixtureRequest('output/prints-config-file', args))
    assert.match(refused.error ?? '', /too long for arguments/)
    const { result } = await collectOutput(
      fixtureRequest('output/prints-config-file', [], { configFile: large }),
      1000,
    )
    assert.equal(result.exitCode, 0)
  })
})

suite('A config file of a killed runner', { concurrency: true }, () => {
  async function startRunner(t: TestContext, TMPDIR: string) {
    const scripts = JSON.stringify([['exit/ignores-term']])
    const child = spawn(process.execPath, [runnerProgram, scripts, '300', 'config'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR },
    })
    t.after(() => child.kill('SIGKILL'))
    let text = ''
    child.stdout.on('data', (bytes) => {
      text += bytes
    })
    await waitFor(() => text.includes('\n'))
    assert.equal(leftovers(TMPDIR).length, 1)
    t.after(() => isProcessAlive(Number(text)) && process.kill(Number(text), 'SIGKILL'))
    return { child, script: Number(text) }
  }

  test('is removed by its watchdog, also when the path has spaces', async (t) => {
    const folder = join(newFolder(t), 'a  folder')
    mkdirSync(folder)
    const { child, script } = await startRunner(t, folder)
    child.kill('SIGKILL')
    await waitFor(() => leftovers(folder).length === 0)
    assert.equal(isProcessAlive(script), false)
  })

  test('is removed by the next runner when its watchdog was killed too', async (t) => {
    const folder = newFolder(t)
    const { child } = await startRunner(t, folder)
    const sweepFolder = () => {
      const code = `import { sweepConfigFiles } from ${JSON.stringify(new URL('../../../runner/process/config-file-sweep.ts', import.meta.url).href)}
        import { readRunnerProcess } from ${JSON.stringify(new URL('../../../runner/process/process-table.ts', import.meta.url).href)}
        console.log(sweepConfigFiles(readRunnerProcess()))`
      const env = { ...process.env, TMPDIR: folder }
      const ran = spawnSync(process.execPath, ['--input-type=module', '-e', code], { env, encoding: 'utf8' })
      return ran.stdout.trim()
    }
    assert.equal(sweepFolder(), '0', 'its runner lives')
    const [watchdog = 0] = findChildProcesses(child.pid ?? 0, 'watchdog.sh')
    // A stopped runner cannot start another watchdog.
    child.kill('SIGSTOP')
    process.kill(watchdog, 'SIGKILL')
    child.kill('SIGKILL')
    await waitFor(() => !isProcessAlive(child.pid ?? 0))
    assert.equal(leftovers(folder).length, 1)
    assert.equal(sweepFolder(), '1')
    assert.deepEqual(leftovers(folder), [])
  })
})

test('A watchdog removes the config file of a script whose lease is over, while its runner is frozen', async (t) => {
  const watchdog = createWatchdog(200, 2000)
  t.after(() => watchdog.close())
  const folder = join(temporaryFolder, 'octopod-config.late')
  mkdirSync(folder)
  writeFileSync(join(folder, 'config.json'), '{}')
  const script = spawn(fixturePath('exit/ignores-term'), {
    env: { ...minimalEnvironment, OCTOPOD_PROCESS: 'late' },
    detached: true,
    stdio: 'ignore',
  })
  watchdog.register('late')
  watchdog.setPid('late', script.pid ?? 0)
  watchdog.extendDeadline('late', 0)
  await waitFor(() => leftovers().length === 0)
  await waitFor(() => !isProcessAlive(script.pid ?? 0))
})

suite('The sweep of a starting runner', () => {
  const own = readRunnerProcess() ?? { pidNamespace: '1', pid: 1, startTicks: '1' }
  const gone: RunnerProcess = { ...own, startTicks: '1' }

  async function sweep(t: TestContext, marker: string, ageMs: number): Promise<boolean> {
    const folder = join(temporaryFolder, `octopod-config.${marker}`)
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    mkdirSync(folder)
    const file = join(folder, 'config.json')
    writeFileSync(file, '{}')
    for (const path of [file, folder]) utimesSync(path, new Date(), new Date(Date.now() - ageMs))
    sweepConfigFiles(own)
    return !leftovers().includes(`octopod-config.${marker}`)
  }
  const markerOf = (runner: RunnerProcess, installation = 'here') =>
    createMarker(createMarkerPrefix(installation, runner))
  const dayMs = 24 * 60 * 60 * 1000

  test('removes the files of a runner that has ended, of any installation', async (t) => {
    assert.equal(await sweep(t, markerOf(gone), 0), true)
    assert.equal(await sweep(t, markerOf(gone, 'other'), 0), true)
  })

  test('keeps those of itself and of every runner that lives, however old', async (t) => {
    const { alive } = await createProcessTable().read()
    const parent = alive.find(({ pid }) => pid === process.ppid)
    assert.ok(parent)
    assert.equal(await sweep(t, markerOf(own), dayMs), false)
    assert.equal(await sweep(t, markerOf({ ...own, ...parent }), dayMs), false)
  })

  test('keeps those of an unknown runner until the time of their script is over', async (t) => {
    const elsewhere = { ...gone, pidNamespace: '1' }
    assert.equal(await sweep(t, markerOf(elsewhere), -60_000), false)
    assert.equal(await sweep(t, createMarker(), 0), false)
    assert.equal(await sweep(t, markerOf(elsewhere), dayMs), true)
    assert.equal(await sweep(t, createMarker(), dayMs), true)
  })
})

suite('A config file that cannot be written', () => {
  /** Runs a script in a process with this TMPDIR; `prefix` is a command before it. Returns the error of the script. */
  function startError(TMPDIR: string, prefix: string[] = []): string {
    const code = `import { runProcess } from ${JSON.stringify(new URL('../../../runner/process/process.ts', import.meta.url).href)}
      const value = 'x'.repeat(100_000)
      const configFile = { application: [['key', value]], deployment: [] }
      const request = { file: '/bin/true', args: [], env: {}, timeoutMs: 5000, killGraceMs: 100, configFile }
      console.log((await runProcess(request)).error)
      process.exit()`
    const [program = '', ...args] = [...prefix, process.execPath, '--input-type=module', '-e', code]
    const { stdout, stderr } = spawnSync(program, args, {
      env: { ...process.env, TMPDIR },
      encoding: 'utf8',
    })
    assert.equal(stderr.replace(/^.*ExperimentalWarning[\s\S]*$/m, ''), '')
    return stdout.trim()
  }
  const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0

  /** A folder that is mounted with these options for one command. */
  const mounted = (folder: string, options: string) => [
    ...['unshare', '-rm', 'sh', '-c'],
    `mount -t tmpfs -o ${options} tmpfs "$0" && "$@" && ls "$0"`,
    folder,
  ]

  test('stops the start of the script with a message that names folder and remedy', (t) => {
    const folder = join(newFolder(t), 'absent')
    assert.equal(
      startError(folder),
      `The script /bin/true could not be started: its config file could not be written in ${folder}: it does not exist. Create it, or set TMPDIR to another folder.`,
    )
  })

  test('on a full disk leaves nothing', { skip: !canMount && 'this machine cannot mount' }, (t) => {
    const folder = newFolder(t)
    // The output ends with the list of the folder, which is empty.
    assert.match(
      startError(folder, mounted(folder, 'size=16k')),
      /written in \S+: its disk is full\. Free space there, or set TMPDIR to another folder\.$/,
    )
  })

  test('on a read-only disk says so', { skip: !canMount && 'this machine cannot mount' }, (t) => {
    const folder = newFolder(t)
    assert.match(
      startError(folder, mounted(folder, 'ro')),
      /written in \S+: it is read-only\. Mount .*TMPDIR/,
    )
  })
})
