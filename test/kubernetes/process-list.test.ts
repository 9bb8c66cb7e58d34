/** With a real helm no value of the config is in the list of processes; the scripts get it in a file. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { watchProcessList } from '../helpers/process-list/watch-process-list.ts'
import { createNamespace } from './cluster.ts'
import { createScriptRunner } from './run-script.ts'

suite('While a real program applies a deployment, the list of processes shows no value', () => {
  let namespace: Awaited<ReturnType<typeof createNamespace>>
  const folder = mkdtempSync(join(tmpdir(), 'octopod-process-list-'))

  before(async () => {
    namespace = await createNamespace()
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await namespace?.remove()
  })

  const sets = {
    helm: {
      deployment: { chart_repo_url: pathToFileURL(import.meta.dirname).href, chart_name: 'sample-chart' },
      application: (secret: string) => ({ greeting: secret }),
    },
  }
  for (const set of ['helm'] as const)
    test(`with ${set}`, async (t) => {
      const { deployment, application } = sets[set]
      const scripts = createScriptRunner(set, namespace.name, { deployment })
      t.after(scripts.removeCache)
      const secret = `TOPSECRET-${randomUUID()}`
      const configFolder = join(folder, set)
      mkdirSync(configFolder, { mode: 0o700 })
      const configFile = join(configFolder, 'config.json')
      const config = {
        application: Object.entries(application(secret)),
        deployment: Object.entries(deployment),
      }
      writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 })
      const processList = await watchProcessList(t, secret, `listed-${set}`)
      for (const script of ['config_check', 'create', 'check', 'update', 'archive', 'cleanup'] as const) {
        const result = await scripts.runWithConfigFile(script, `listed-${set}`, configFile)
        if (script !== 'check') assert.equal(result.code, 0, JSON.stringify(result))
      }
      const { seen, witnesses } = await processList.stop()
      assert.deepEqual(seen, [])
      assert.ok(witnesses > 0, 'the scripts were seen')
    })
})
