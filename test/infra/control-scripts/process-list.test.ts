/**
 * No value of the config is in the list of processes while the Helm, kubectl and local scripts work: neither in arguments
 * nor in an environment. helm and kubectl are stand-ins that read files and standard input as the real ones do.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createApiClient, getActionId, overrides } from '../../helpers/api-client.ts'
import { watchProcessList } from '../../helpers/process-list/watch-process-list.ts'
import { startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { controlScriptsDir } from './control-scripts.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-process-list-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Both programs keep what they received in the file `received`, and run long enough to be seen. */
const standIn = (answers: string) => `#!/bin/sh
received='${join(folder, 'received')}'
for each in "$@"; do
  [ "$previous" = -f ] && cat "$each" >> "$received"
  previous=$each
done
sleep 0.1
${answers}`
const manifest = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {password: "\${db.password}"}
`
const helmFile = join(folder, 'helm')
writeFileSync(
  helmFile,
  standIn(`case "$1 $2" in
  'version '*) echo v3.19.0 ;;
  'template '*) cat '${join(folder, 'manifest.yaml')}' ;;
  'get '*) echo 'Error: release: not found' >&2; exit 1 ;;
esac
`),
  { mode: 0o755 },
)
const kubectlFile = join(folder, 'kubectl')
writeFileSync(
  kubectlFile,
  standIn(`case "$1" in
  kustomize) cat '${join(folder, 'manifest.yaml')}' ;;
  apply | create) : ;;
esac
`).replace('cat "$each"', 'cat'),
  { mode: 0o755 },
)
writeFileSync(join(folder, 'manifest.yaml'), manifest)
writeFileSync(join(folder, 'kustomization.yaml'), 'resources: [manifest.yaml]\n')
writeFileSync(join(folder, 'octopod.yaml'), 'application: {image.tag: v1, db.password: null}\n')

const environments: Record<string, Record<string, string>> = {
  local: { OCTOPOD_LOCAL_DATA: join(folder, 'local') },
  helm: {
    HELM_BIN: helmFile,
    KUBECTL_BIN: kubectlFile,
    OCTOPOD_SCRIPTS_CACHE: join(folder, 'cache'),
    DEFAULTS: JSON.stringify({
      chart_repo_url: pathToFileURL(join(import.meta.dirname, '../../kubernetes')).href,
      chart_name: 'sample-chart',
    }),
  },
  kubectl: {
    KUBECTL_BIN: kubectlFile,
    OCTOPOD_SCRIPTS_CACHE: join(folder, 'cache'),
    OCTOPOD_TEMPLATES_DIR: folder,
  },
}
const readReceived: Record<string, (name: string) => string> = {
  local: (name) => {
    const file = readdirSync(join(folder, 'local'), { recursive: true, encoding: 'utf8' }).find((each) =>
      each.endsWith(`${name}/config.json`),
    )
    return file === undefined ? '' : readFileSync(join(folder, 'local', file), 'utf8')
  },
  helm: () => readFileSync(join(folder, 'received'), 'utf8'),
  kubectl: () => readFileSync(join(folder, 'received'), 'utf8'),
}

suite('While a deployment is created, checked and updated, the list of processes shows no value', () => {
  for (const [set, environment] of Object.entries(environments))
    test(`with the ${set} scripts`, async (t) => {
      const secret = `TOPSECRET-${randomUUID()}`
      rmSync(join(folder, 'received'), { force: true })
      const temporaryFolder = mkdtempSync(join(folder, 'tmp-'))
      const system = await startSystem({
        scripts: join(controlScriptsDir, set),
        env: { ...environment, TMPDIR: temporaryFolder, CHECK_INTERVAL: '1', SCRIPT_QUERY_TIMEOUT: '60' },
      })
      t.after(async () => {
        await system.stop()
        const left = readdirSync(temporaryFolder).filter((each) => each.startsWith('octopod-config.'))
        assert.deepEqual(left, [])
      })
      const octopod = createApiClient(system.url)
      const name = `listed-${set}`
      const body = { app_overrides: overrides({ 'db.password': secret }), deployment_overrides: [] }
      const waitForSuccess = async (reply: Awaited<ReturnType<typeof octopod.api>>) => {
        const action = await octopod.waitForActionEnd(getActionId(reply))
        assert.equal(action.state, 'succeeded', `${reply.text} ${JSON.stringify(action)}`)
      }

      const processList = await watchProcessList(t, secret, name)
      await waitForSuccess(await octopod.api('POST', '/deployments', { name, ...body }))
      await waitFor('a check ran', async () => {
        const { last_check: check } = await octopod.fullInfo(name)
        return { done: check !== null, value: null, seen: JSON.stringify(check) }
      })
      await waitForSuccess(await octopod.api('PUT', `/deployments/${name}`, body))
      assert.ok(readReceived[set]?.(name).includes(secret), 'the value has arrived')
      // The stand-ins have no cluster, so only this set gets further.
      if (set === 'local') {
        await octopod.waitForStatus(name, 'Running')
        await waitForSuccess(await octopod.archive(name))
        await octopod.waitForStatus(name, 'Archived')
        await octopod.cleanup(name)
        await octopod.waitUntilDeleted(name)
      }
      const { seen, witnesses, rounds } = await processList.stop()
      assert.deepEqual(seen, [])
      assert.ok(witnesses > 0, 'the scripts were seen')
      t.diagnostic(`the list was read ${rounds} times; ${witnesses} processes of scripts were seen`)
    })

  test('and the test would see one in arguments and in an environment', async (t) => {
    const secret = `TOPSECRET-${randomUUID()}`
    const processList = await watchProcessList(t, secret, secret)
    const children = [
      spawn('/bin/sh', ['-c', 'sleep 1; exit', secret]),
      spawn('/bin/sh', ['-c', 'sleep 1; exit'], { env: { PASSWORD: secret } }),
    ]
    await Promise.all(children.map((child) => once(child, 'exit')))
    const { seen } = await processList.stop()
    assert.ok(seen.some(({ found }) => found === 'cmdline'))
    assert.ok(seen.some(({ found }) => found === 'environ'))
  })
})
