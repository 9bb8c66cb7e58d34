/**
 * Fields that cannot change after their object was created, with each Helm: config_check refuses the update with one
 * sentence that names the key, the object and the field.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createNamespace, helms } from './cluster.ts'
import { writeChart } from './matrix-charts.ts'
import { createScriptRunner } from './run-script.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-immutable-'))
const pod = (tag: string, command: string) =>
  `{ terminationGracePeriodSeconds: 1, containers: [{ name: main, image: 'busybox:${tag}', command: ${command} }] }`
const files = {
  'values.yaml':
    "store: { role: data, size: 1Gi }\njob: { tag: '1.36' }\nservice: { clusterIP: '', port: 80 }\n",
  'templates/store.yaml': `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: {{ .Release.Name }}-store }
spec:
  serviceName: store
  selector: { matchLabels: { set: {{ .Release.Name }}, role: {{ .Values.store.role }} } }
  template:
    metadata: { labels: { set: {{ .Release.Name }}, role: {{ .Values.store.role }} } }
    spec: ${pod('1.36', '[sleep, infinity]')}
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: {{ .Values.store.size }} } } }
`,
  'templates/job.yaml': `apiVersion: batch/v1
kind: Job
metadata: { name: {{ .Release.Name }}-job }
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: 'busybox:{{ .Values.job.tag }}', command: ['true'] }]
`,
  'templates/service.yaml': `apiVersion: v1
kind: Service
metadata: { name: {{ .Release.Name }}-service }
spec:
  {{- with .Values.service.clusterIP }}
  clusterIP: {{ . }}
  {{- end }}
  selector: { set: {{ .Release.Name }} }
  ports: [{ port: {{ .Values.service.port }} }]
`,
}

before(() => {
  writeChart(folder, {
    title: 'immutable',
    name: 'immutable',
    files,
    failing: { config: {}, script: 'check', message: /x/ },
  })
})
after(() => rmSync(folder, { recursive: true, force: true }))

for (const helm of helms)
  describe(`fields that cannot change, with ${helm}`, () => {
    let namespace: Awaited<ReturnType<typeof createNamespace>>
    let scripts: ReturnType<typeof createScriptRunner>
    before(async () => {
      namespace = await createNamespace()
      const url = pathToFileURL(folder).href
      scripts = createScriptRunner('helm', namespace.name, {
        deployment: { chart_name: 'immutable', chart_repo_url: url },
        environment: { HELM_BIN: helm, DEFAULTS: JSON.stringify({ chart_repo_url: url }) },
      })
      const created = await scripts.run('create', 'fixed')
      assert.equal(created.code, 0, JSON.stringify(created))
      await scripts.runUntilExitCode(0, 'check', 'fixed')
    })
    after(async () => {
      scripts?.removeCache()
      await namespace?.remove()
    })

    const refused: [string, Record<string, string>, string][] = [
      [
        'the selector of a StatefulSet',
        { 'store.role': 'other' },
        'store.role: StatefulSet fixed-store: spec.selector',
      ],
      [
        'the claim templates of a StatefulSet',
        { 'store.size': '2Gi' },
        'store.size: StatefulSet fixed-store: spec.volumeClaimTemplates',
      ],
      ['the template of a Job', { 'job.tag': '1.37' }, 'job.tag: Job fixed-job: spec.template'],
      [
        'the clusterIP of a Service',
        { 'service.clusterIP': 'None' },
        'service.clusterIP: Service fixed-service: spec.clusterIP',
      ],
    ]
    for (const [title, config, beginning] of refused)
      test(`config_check refuses to change ${title}`, async () => {
        const { code, stdout, stderr } = await scripts.run('config_check', 'fixed', config)
        assert.deepEqual({ code, stderr }, { code: 1, stderr: '' }, stdout)
        assert.ok(stdout.startsWith(beginning), stdout)
        assert.match(
          stdout,
          /^\S+: \S+ \S+: \S+ cannot change after the object was created\. Undo the change, [^\n]*\n$/,
        )
      })

    test('config_check accepts a change of other fields of the same objects', async () => {
      const { code, stdout } = await scripts.run('config_check', 'fixed', { 'service.port': '81' })
      assert.equal(code, 0, stdout)
    })
  })
