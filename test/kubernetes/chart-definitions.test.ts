/**
 * Charts that define kinds in their templates, with each Helm: one deployment owns the definition, config_check refuses
 * what helm cannot install, and a cleanup removes the definition.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createNamespace, deleteDefinition, helms, kubectl } from './cluster.ts'
import { deployment, values, widget, widgetDefinition, writeChart } from './matrix-charts.ts'
import { createScriptRunner } from './run-script.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-definitions-'))
const definition = 'ownedwidgets.octopod.example.com'

before(() => {
  writeChart(folder, {
    title: 'owned',
    name: 'owned',
    files: {
      'values.yaml': `${values}widget: { enabled: false, size: 3 }\n`,
      'templates/web.yaml': deployment(),
      'templates/widgets.yaml': widgetDefinition('OwnedWidget'),
      'templates/widget.yaml': `{{- if .Values.widget.enabled }}\n${widget('OwnedWidget')}{{- end }}\n`,
    },
    failing: { config: {}, script: 'check', message: /x/ },
  })
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await deleteDefinition(definition)
})

for (const helm of helms)
  describe(`a chart that defines kinds in its templates, with ${helm}`, () => {
    let namespace: Awaited<ReturnType<typeof createNamespace>>
    let scripts: ReturnType<typeof createScriptRunner>
    before(async () => {
      namespace = await createNamespace()
      const url = pathToFileURL(folder).href
      scripts = createScriptRunner('helm', namespace.name, {
        deployment: { chart_name: 'owned', chart_repo_url: url },
        environment: { HELM_BIN: helm, DEFAULTS: JSON.stringify({ chart_repo_url: url }) },
      })
    })
    after(async () => {
      scripts?.removeCache()
      await namespace?.remove()
    })
    const succeed = async (...args: Parameters<typeof scripts.run>) => {
      const result = await scripts.run(...args)
      assert.equal(result.code, 0, JSON.stringify(result))
    }
    const refuse = async (name: string, config: Record<string, string>, message: RegExp) => {
      const { code, stdout, stderr } = await scripts.run('config_check', name, config)
      assert.deepEqual({ code, stderr }, { code: 1, stderr: '' }, stdout)
      assert.match(stdout, message)
      assert.equal(stdout.trim().split('\n').length, 1, stdout)
    }
    const withWidget = { 'widget.enabled': 'true' }

    test('config_check refuses an object of the kind while the definition is not installed', () =>
      refuse(
        'first',
        withWidget,
        /^(widget\.enabled: )?The cluster has no kind OwnedWidget.* helm cannot install .*together with its definition/,
      ))

    test('The definition is installed, and then objects of its kind', async () => {
      for (const script of ['config_check', 'info', 'create'] as const) await succeed(script, 'first', {})
      await scripts.runUntilExitCode(0, 'check', 'first', {})
      for (const script of ['config_check', 'update'] as const) await succeed(script, 'first', withWidget)
      await scripts.runUntilExitCode(0, 'check', 'first', withWidget)
      const found = await kubectl('get', 'ownedwidgets', '-n', namespace.name, '--output=name')
      assert.equal(found.trim(), 'ownedwidget.octopod.example.com/first-widget')
    })

    test('config_check refuses a second deployment and names the one that owns the definition', () =>
      refuse(
        'second',
        {},
        /^CustomResourceDefinition ownedwidgets\.octopod\.example\.com exists already and belongs to the release first, /,
      ))

    test('Archive, restore and cleanup work, and the cleanup removes the definition', async () => {
      await succeed('archive', 'first', withWidget)
      await scripts.runUntilExitCode(0, 'archive_check', 'first', withWidget)
      await succeed('unarchive', 'first', withWidget)
      await scripts.runUntilExitCode(0, 'check', 'first', withWidget)
      await succeed('archive', 'first', withWidget)
      await succeed('cleanup', 'first', withWidget)
      await kubectl('wait', '--for=delete', `crd/${definition}`, '--timeout=30s')
      assert.equal(await kubectl('get', 'crd', definition, '--ignore-not-found', '--output=name'), '')
    })
  })
