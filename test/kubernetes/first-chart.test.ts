/** docs/first-chart.md: its chart and settings work as written, and the rejected key prints the message of the page. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { read, root } from '../architecture/repository.ts'
import { createNamespace } from './cluster.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-first-chart-'))
let namespace: Awaited<ReturnType<typeof createNamespace>>
before(async () => {
  namespace = await createNamespace()
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await namespace?.remove()
})

/** The shell blocks below a heading of the second level. */
function blocks(heading: string): string[] {
  const section =
    read('docs/first-chart.md')
      .split(/^## /m)
      .find((text) => text.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
}

function bash(script: string): Promise<{ code: number; output: string }> {
  const env = {
    ...process.env,
    PATH: [dirname(process.execPath), process.env.PATH].join(':'),
    OCTOPOD_SCRIPTS_CACHE: join(folder, 'kept'),
  }
  return new Promise((resolve) => {
    // bash reads a start-up file if its standard input is a socket.
    execFile('bash', ['--norc', '-euc', script], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({
        code: typeof error?.code === 'number' ? error.code : error ? -1 : 0,
        output: stdout + stderr,
      }),
    )
  })
}

test('The chart and the settings of the page pass the linter with --lifecycle, and the wrong key is rejected', async () => {
  const [make = ''] = blocks('The chart')
  const [settings = '', lint = ''] = blocks('The settings')
  // The page assumes the repository as working directory and the namespace staging. The test replaces both.
  const made = make.replace(/^kubectl create namespace staging$/m, '')
  const set = settings
    .replace('$PWD/infra', `${root}/infra`)
    .replace('NAMESPACE=staging', `NAMESPACE=${namespace.name}`)
  const run = lint
    .replace('npx node infra/control-scripts/lint/main.ts', `node ${root}/infra/control-scripts/lint/main.ts`)
    .trim()
  assert.ok(made !== make && set.includes(namespace.name) && run.startsWith('node '))

  const { code, output } = await bash(`${made}\n${set}\n${run} --lifecycle first-chart`)
  assert.equal(code, 0, output)
  assert.match(output, /^info +ok .+ http:\/\/octopod-lint\.staging\.example\.com$/m)
  assert.match(output, /\n\d+ findings: 0 errors, \d+ warnings?\.\n$/)

  const refused = await bash(`${set}\n${run} --application-config replicaCount=many || true`)
  const [, message = ''] = /^octo: (replicaCount: .+)$/m.exec(read('docs/first-chart.md')) ?? []
  assert.ok(message !== '' && refused.output.includes(message), refused.output)
})
