/** The manifest of the control scripts, on a real runner: one pipe for both streams, and a start that is refused. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

const configurable = join(import.meta.dirname, '../scripts/configurable')
let scripts: string
let system: System

before(async () => {
  scripts = await mkdtemp(join(tmpdir(), 'octopod-manifest-'))
  for (const name of await readdir(configurable)) await symlink(join(configurable, name), join(scripts, name))
  await replaceScript('create', 'for line in 1 2 3; do echo "out $line"; echo "err $line" >&2; done')
  await replaceScript('info', 'echo "a warning" >&2; echo "app,https://app.example.com"')
  await writeFile(join(scripts, 'octopod.yaml'), 'version: 1\none_pipe: true\n')
  system = await startSystem({ scripts })
})
after(async () => {
  await system?.stop()
  await rm(scripts, { recursive: true, force: true })
})

async function replaceScript(name: string, body: string): Promise<void> {
  await rm(join(scripts, name))
  await writeFile(join(scripts, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
}

test('With one_pipe the lines of an action keep their order, and the answer of info stays apart', async () => {
  const octopod = createApiClient(system.url)
  const created = await octopod.create('ordered')
  await octopod.waitForActionEnd(getActionId(created))
  const { body } = await octopod.api('GET', `/log/${getActionId(created)}`)
  assert.deepEqual(body, {
    stdout: { un_stdout: 'out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n' },
    stderr: { un_stderr: '' },
  })
  const { metadata } = await octopod.fullInfo('ordered')
  assert.deepEqual(metadata, [{ name: 'app', link: 'https://app.example.com' }])
})

test('A runner does not start with an invalid manifest, and says why in one sentence', async () => {
  await writeFile(join(scripts, 'octopod.yaml'), 'version: 1\none_pipe: sometimes\n')
  await assert.rejects(
    system.startRunner(),
    /Control scripts: the manifest \S+\/octopod\.yaml is invalid: one_pipe must be true or false\n?$/,
  )
})
