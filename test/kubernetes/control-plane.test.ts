/**
 * The control plane of infra/test-cluster: an unexpected end of a program is reported, and no process outlives its
 * starter.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { startControlPlane } from '../../infra/test-cluster/control-plane.ts'
import { ensureTools } from '../../infra/test-cluster/tools.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { skips } from './cluster.ts'

const startProgram = join(import.meta.dirname, '../../infra/test-cluster/start.ts')

/** The processes whose command line contains the folder. */
function processesOf(folder: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), command: commandOf(name) }))
    .filter(({ command }) => command.includes(folder))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

const waitForNoProcess = (folder: string) =>
  waitFor('no process is left', async () => {
    const remaining = processesOf(folder)
    return { done: remaining.length === 0, value: null, seen: remaining }
  })

describe('a control plane', { skip: skips.withoutTools }, () => {
  test('reports a program that ends, and leaves neither processes nor files when stopped', async () => {
    const controlPlane = await startControlPlane(await ensureTools(() => {}))
    const folder = dirname(controlPlane.kubeconfig)
    const all = processesOf(folder)
    assert.equal(all.length, 5)
    const scheduler = all.find(({ command }) => command.includes('kube-scheduler'))
    process.kill(scheduler?.pid ?? 0, 'SIGKILL')
    await assert.rejects(controlPlane.failed, {
      name: 'UserError',
      message: /^The scheduler was ended by SIGKILL\./,
    })
    await controlPlane.stop()
    await waitForNoProcess(folder)
    assert.ok(!existsSync(folder))
  })

  test('ends when the process that started it is killed', async () => {
    const child = spawn(process.execPath, [startProgram], { stdio: ['ignore', 'pipe', 'ignore'] })
    const line = await new Promise<string>((resolve) =>
      createInterface({ input: child.stdout }).once('line', resolve),
    )
    const folder = /^export KUBECONFIG=(\S+)\/kubeconfig PATH=/.exec(line)?.[1]
    assert.ok(folder !== undefined, line)
    assert.equal(processesOf(folder).length, 5)
    child.kill('SIGKILL')
    await waitForNoProcess(folder)
    await rm(folder, { recursive: true })
  })
})
