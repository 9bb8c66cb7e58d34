/**
 * Deployments that do not start or do not end: the scripts say why, archive ends every pod, and cleanup removes
 * everything. With both sets of scripts and each Helm.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { waitFor } from '../helpers/wait-for.ts'
import { createNamespace, deleteDefinition, getObjects, helms, kubectl } from './cluster.ts'
import { writeChart } from './matrix-charts.ts'
import { createScriptRunner } from './run-script.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-stuck-'))
const definition = 'stuckclusters.octopod.example.com'
const container = (tag: string) => `{ name: main, image: 'busybox:${tag}', command: [sleep, infinity] }`
const job = (name: string, hook: string, tag: string) => `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-${name}
  annotations: { helm.sh/hook: ${hook} }
spec:
  template:
    metadata: { labels: { part: ${name} } }
    spec: { restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [${container(tag)}] }
`
const files = {
  'values.yaml': 'broken: { install: false, delete: false }\nextra: false\nquota: false\nkeep: false\n',
  'crds/clusters.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ${definition} }
spec:
  group: octopod.example.com
  scope: Namespaced
  names: { kind: StuckCluster, plural: stuckclusters, singular: stuckcluster }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
      subresources: { scale: { specReplicasPath: .spec.members, statusReplicasPath: .status.members } }
`,
  'templates/hooks.yaml': `{{- if .Values.broken.install }}
${job('before', 'pre-install', 'missing')}{{- end }}
---
{{- if .Values.broken.delete }}
${job('goodbye', 'pre-delete', 'missing')}{{- end }}
`,
  'templates/extra.yaml': `{{- if .Values.extra }}
apiVersion: v1
kind: Pod
metadata: { name: {{ .Release.Name }}-bare }
spec: { terminationGracePeriodSeconds: 1, containers: [${container('1.36')}] }
---
apiVersion: octopod.example.com/v1
kind: StuckCluster
metadata: { name: {{ .Release.Name }}-cluster }
spec: { members: 3 }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: {{ .Release.Name }}-cron }
spec:
  schedule: '0 0 1 1 *'
  jobTemplate:
    spec:
      template:
        spec: { restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [${container('missing')}] }
{{- end }}
`,
  'templates/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }}-web }
spec:
  selector: { matchLabels: { web: {{ .Release.Name }} } }
  template:
    metadata: { labels: { web: {{ .Release.Name }} } }
    spec: { terminationGracePeriodSeconds: 1, containers: [${container('1.36')}] }
`,
}

before(() => {
  writeChart(folder, {
    title: 'stuck',
    name: 'stuck',
    files,
    failing: { config: {}, script: 'check', message: /x/ },
  })
})
after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await deleteDefinition(definition)
})

for (const helm of helms)
  describe(`stuck deployments with ${helm}`, { concurrency: 2 }, () => {
    let namespace: Awaited<ReturnType<typeof createNamespace>>
    let scripts: ReturnType<typeof createScriptRunner>
    before(async () => {
      namespace = await createNamespace()
      const url = pathToFileURL(folder).href
      scripts = createScriptRunner('helm', namespace.name, {
        deployment: { chart_name: 'stuck', chart_repo_url: url },
        environment: {
          HELM_BIN: helm,
          DEFAULTS: JSON.stringify({ chart_repo_url: url, helm_flags: ['--timeout=15s'] }),
        },
      })
    })
    after(async () => {
      scripts?.removeCache()
      await namespace?.remove()
    })
    const succeed = async (...args: Parameters<typeof scripts.run>) => {
      const result = await scripts.run(...args)
      assert.equal(result.code, 0, JSON.stringify(result))
      return result
    }
    const activePods = async (prefix: string) =>
      (await getObjects(namespace.name, 'pods'))
        .filter(({ status }) => !['Succeeded', 'Failed'].includes(String(status.phase)))
        .map(({ metadata }) => metadata.name)
        .filter((name) => name.startsWith(prefix))
    const get = (resource: string, path: string) =>
      kubectl('get', '-n', namespace.name, resource, '-o', `jsonpath=${path}`)

    test('A hook that never ends: create says why, archive ends it, archive_check agrees, cleanup leaves nothing', async () => {
      const config = { 'broken.install': 'true' }
      const created = await scripts.run('create', 'hung', config)
      assert.equal(created.code, 1)
      assert.match(created.stderr, /pre-install/)
      const reason =
        /^Pod hung-before-\S+: the image \S*busybox:missing of the container main cannot be pulled/m
      assert.match(created.stderr, reason)
      assert.match(created.stdout, reason, 'the output shows the reason while helm waits')
      assert.equal((await scripts.run('archive_check', 'hung', config)).code, 1)
      const archived = await succeed('archive', 'hung', config)
      assert.match(archived.stdout, /^Job hung-before is an unfinished hook; it is deleted\.$/m)
      await scripts.runUntilExitCode(0, 'archive_check', 'hung', config)
      assert.deepEqual(await activePods('hung-'), [])
      await succeed('archive', 'hung', config)
      await succeed('cleanup', 'hung', config)
    })

    test('Cleanup with a broken pre-delete hook removes the release without hooks, with a message', async () => {
      const config = { 'broken.delete': 'true' }
      await succeed('create', 'leaver', config)
      await succeed('archive', 'leaver', config)
      const cleaned = await succeed('cleanup', 'leaver', config)
      assert.match(
        cleaned.stdout,
        /A hook of the chart failed or did not end in 15s\. The release is removed without hooks\./,
      )
      assert.match(cleaned.stdout, /^leaver is removed\.$/m)
      assert.deepEqual(await activePods('leaver-'), [])
      const left = await getObjects(namespace.name, 'jobs,deployments')
      assert.ok(!left.some(({ metadata }) => metadata.name.startsWith('leaver-')))
    })

    test('archive ends bare pods, jobs of cron jobs, and pods of operators, and unarchive restores what it can', async () => {
      const config = { extra: 'true' }
      await succeed('create', 'mixed', config)
      await scripts.runUntilExitCode(0, 'check', 'mixed', config)
      await kubectl('create', 'job', 'mixed-by-hand', '-n', namespace.name, '--from=cronjob/mixed-cron')
      const owner = {
        apiVersion: 'octopod.example.com/v1',
        kind: 'StuckCluster',
        name: 'mixed-cluster',
        uid: await get('stuckclusters/mixed-cluster', '{.metadata.uid}'),
      }
      // What an operator would make of the custom resource.
      await apply(namespace.name, {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'mixed-cluster-member', ownerReferences: [owner] },
        spec: {
          replicas: 2,
          serviceName: 'members',
          selector: { matchLabels: { member: 'mixed' } },
          template: {
            metadata: { labels: { member: 'mixed' } },
            spec: {
              terminationGracePeriodSeconds: 1,
              containers: [{ name: 'main', image: 'busybox:1.36', command: ['sleep', 'infinity'] }],
            },
          },
        },
      })
      await waitFor('all pods run', async () => {
        const pods = await activePods('mixed-')
        return { done: pods.length === 5, value: pods, seen: pods }
      })
      for (const _ of ['once', 'twice']) await succeed('archive', 'mixed', config)
      await scripts.runUntilExitCode(0, 'archive_check', 'mixed', config)
      assert.deepEqual(await activePods('mixed-'), [])
      assert.equal(await get('stuckclusters/mixed-cluster', '{.spec.members}'), '0')
      assert.equal(await get('statefulset/mixed-cluster-member', '{.spec.replicas}'), '0')

      for (const _ of ['once', 'twice']) await succeed('unarchive', 'mixed', config)
      assert.equal(await get('stuckclusters/mixed-cluster', '{.spec.members}'), '3')
      assert.equal(await get('statefulset/mixed-cluster-member', '{.spec.replicas}'), '2')
      assert.equal(await get('statefulset/mixed-cluster-member', '{.metadata.labels}'), '')
      await waitFor('the pods are back', async () => {
        const pods = await activePods('mixed-')
        return { done: pods.length === 4 && pods.includes('mixed-bare'), value: pods, seen: pods }
      })
      // Helm still knows the pod that unarchive has made.
      await succeed('update', 'mixed', config)
      await succeed('cleanup', 'mixed', config)
    })

    test('An exceeded quota is the reason of a workload without pods', async () => {
      const narrow = await createNamespace()
      const url = pathToFileURL(folder).href
      const inside = createScriptRunner('helm', narrow.name, {
        deployment: { chart_name: 'stuck', chart_repo_url: url },
        environment: { HELM_BIN: helm, DEFAULTS: JSON.stringify({ chart_repo_url: url }) },
      })
      try {
        await kubectl('create', 'quota', 'few', '-n', narrow.name, '--hard=pods=0')
        assert.equal((await inside.run('create', 'poor')).code, 0)
        await waitFor('check says why', async () => {
          const { code, stderr } = await inside.run('check', 'poor')
          const pattern = /^Deployment poor-web: pods "\S+" is forbidden: exceeded quota: few/m
          return { done: code === 1 && pattern.test(stderr), value: null, seen: stderr }
        })
      } finally {
        inside.removeCache()
        await narrow.remove()
      }
    })
  })

async function apply(namespace: string, object: object): Promise<void> {
  const child = spawn('kubectl', ['apply', '-n', namespace, '-f', '-'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  child.stdin.end(JSON.stringify(object))
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0)
}
