/** Octopod's own chart on a real API server: validated, installed, upgraded, uninstalled and installed again. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { chartSuite } from '../infra/chart/chart-suite.ts'
import { chart, createHelm, type Values } from '../infra/chart/helm.ts'
import { production, trial } from '../infra/chart/sample-values.ts'
import { createNamespace, helms, isOwnCluster, kubectl, listNamespace, skips } from './cluster.ts'

const run = promisify(execFile)
/** Datastores that need not exist. */
const external = {
  postgres: { url: 'postgres://octopod:secret@db.example.com/octopod' },
  redis: { url: 'redis://redis.example.com' },
  access: { anonymousRole: 'developer' },
}
/** The strictest pod security profile. */
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' }

for (const program of helms) {
  chartSuite(`the chart with ${program}`, createHelm(program))

  suite(`the chart on a cluster with ${program}`, () => {
    let folder: string
    let octopod: Awaited<ReturnType<typeof createNamespace>>
    let staging: Awaited<ReturnType<typeof createNamespace>>
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'octopod-test-'))
      octopod = await createNamespace(restricted)
      staging = await createNamespace()
    })
    after(async () => {
      await Promise.all([octopod?.remove(), staging?.remove()])
      rmSync(folder, { recursive: true, force: true })
    })
    /** Writes values to a file. `--set` would break at commas. → arguments for helm */
    const valuesArguments = (values: Values, name = 'values.json') => {
      const file = join(folder, name)
      writeFileSync(file, JSON.stringify(values))
      return ['--values', file]
    }
    const helm = async (...args: string[]) =>
      (await run(program, [...args, '--namespace', octopod.name], { timeout: 120_000 })).stdout
    const trialValues = ['--values', join(chart, 'values-trial.yaml'), ...['--wait', '--timeout', '100s']]
    const secretOf = (name: string) =>
      kubectl('get', 'secret', name, `--namespace=${octopod.name}`, '--output=jsonpath={.data.password}')
    const inStaging = (values: Values): Values => ({
      ...values,
      settings: { ...(values.settings as object | undefined), NAMESPACE: staging.name },
    })

    test('is accepted by the API server without a warning', async () => {
      const manifests = {
        trial: createHelm(program).render(inStaging(trial), 'values-trial.yaml'),
        production: createHelm(program).render(inStaging(production)),
      }
      // Another cluster may have no Prometheus operator.
      const isKnown = ({ kind }: { kind: string }) => isOwnCluster || kind !== 'ServiceMonitor'
      for (const [name, rendered] of Object.entries(manifests)) {
        const items = rendered.filter(isKnown)
        for (const { metadata } of items) metadata.namespace ??= octopod.name
        const file = join(folder, `${name}.json`)
        writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
        const { stdout, stderr } = await run('kubectl', ['apply', '--dry-run=server', '-f', file])
        assert.equal(stderr, '', name)
        assert.equal(stdout.match(/\(server dry run\)/g)?.length, items.length, name)
      }
    })

    test('reports a missing namespace of the deployments before it creates anything', async () => {
      const missing = { settings: { NAMESPACE: 'no-such-namespace' }, ...external }
      await assert.rejects(
        helm('install', 'octopod', chart, ...valuesArguments(missing)),
        /settings\.NAMESPACE: the namespace no-such-namespace does not exist; create it first/,
      )
      assert.deepEqual(
        (await listNamespace(octopod.name)).filter((name) => name.includes('octopod')),
        [],
      )
    })

    test('A rehearsal in another namespace does not collide with the first installation', async () => {
      const rehearsal = await createNamespace()
      try {
        const values = valuesArguments(
          inStaging({ ...external, migration: { mode: 'none' }, runner: { replicas: 0 } }),
        )
        await helm('install', 'octopod', chart, ...values)
        const args = ['install', 'octopod', chart, ...values, '--namespace', rehearsal.name]
        await run(program, args, { timeout: 120_000 })
        await run(program, ['uninstall', 'octopod', '--namespace', rehearsal.name], { timeout: 120_000 })
        const roles = await kubectl('get', 'roles', `--namespace=${staging.name}`, '--output=name')
        assert.equal(roles.trim(), `role.rbac.authorization.k8s.io/${octopod.name}-octopod-runner`)
        await helm('uninstall', 'octopod')
      } finally {
        await rehearsal.remove()
      }
    })

    test('starts as a trial under the restricted profile, keeps its passwords, and leaves only data after uninstall', {
      skip: skips.withoutImages,
    }, async () => {
      await helm('install', 'octopod', chart, ...trialValues)
      const password = await secretOf('octopod-postgres')
      assert.equal(Buffer.from(password, 'base64').length, 32)

      const pods = () =>
        kubectl(
          'get',
          'pods',
          `--namespace=${octopod.name}`,
          '--selector=app.kubernetes.io/component in (server, runner)',
          '--output=name',
        )
      const old = await pods()
      await helm(
        'upgrade',
        'octopod',
        chart,
        ...trialValues,
        ...valuesArguments({ settings: { LOG_LEVEL: 'debug' } }),
      )
      assert.equal(await secretOf('octopod-postgres'), password)
      for (const pod of old.split('\n').filter(Boolean))
        assert.ok(!(await pods()).includes(pod), `${pod} is replaced to read the new settings`)

      await helm('uninstall', 'octopod', '--wait', '--timeout', '100s')
      const remaining = (await listNamespace(octopod.name)).filter((name) => name.includes('octopod'))
      assert.deepEqual(remaining, [
        'persistentvolumeclaim/data-octopod-postgres-0',
        'persistentvolumeclaim/data-octopod-redis-0',
        'secret/octopod-postgres',
        'secret/octopod-redis',
      ])
      await helm('install', 'octopod', chart, ...trialValues)
      assert.equal(await secretOf('octopod-postgres'), password, 'the password still fits the data')
      await helm('uninstall', 'octopod', '--wait', '--timeout', '100s')
    })

    test('starts with external datastores after its migration, with permissions only in the namespace of the deployments', {
      skip: skips.withoutImages,
    }, async () => {
      const values = valuesArguments(
        inStaging({
          ...external,
          authorization: { admin: 'Bearer one, two' },
          runner: { replicas: 1 },
        }),
      )
      await helm('install', 'octopod', chart, ...values, '--wait', '--timeout', '100s')
      const installed = await listNamespace(octopod.name)
      assert.ok(installed.includes('deployment.apps/octopod-server'))
      assert.deepEqual(
        installed.filter((name) => name.includes('migrate') && !name.startsWith('networkpolicy')),
        [],
        'the Job and its Secret are deleted',
      )

      const isAllowed = async (account: string, namespace: string, ...what: string[]) => {
        const asAccount = `--as=system:serviceaccount:${octopod.name}:octopod-${account}`
        const args = ['auth', 'can-i', ...what, asAccount, `--namespace=${namespace}`]
        return run('kubectl', args).then(
          () => true,
          () => false,
        )
      }
      for (const [verb, kind] of [
        ['create', 'deployments.apps'],
        ['patch', 'statefulsets.apps/scale'],
        ['get', 'secrets'],
        ['delete', 'persistentvolumeclaims'],
        ['create', 'ingresses.networking.k8s.io'],
      ] as const)
        assert.ok(await isAllowed('runner', staging.name, verb, kind), `${verb} ${kind}`)
      assert.ok(!(await isAllowed('runner', octopod.name, 'get', 'secrets')), "Octopod's own secrets")
      assert.ok(
        !(await isAllowed('runner', staging.name, 'create', 'rolebindings.rbac.authorization.k8s.io')),
      )
      assert.ok(!(await isAllowed('runner', 'kube-system', 'list', 'pods')))
      assert.ok(!(await isAllowed('server', octopod.name, 'list', 'pods')))
      await helm('uninstall', 'octopod', '--wait', '--timeout', '100s')
      const remaining = await listNamespace(staging.name)
      assert.ok(!remaining.some((name) => name.includes('octopod')), remaining.join(' '))
    })
  })
}
