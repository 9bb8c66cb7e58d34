/**
 * The lifecycle of Helm deployments: requested over HTTP, executed by the Helm scripts, observed in the cluster. A test
 * file for each version of Helm calls it, so that both run in parallel.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '../helpers/wait-for.ts'
import { type ChartRepository, credentials, serveSampleChart } from './chart-repository.ts'
import { createNamespace, getObjects, kubectl, listNamespace, skips } from './cluster.ts'
import { baseDomain, type Octopod, startOctopod } from './octopod.ts'

/** Registers the tests, which must run in this order. `helm`: the program. */
export function deploymentLifecycle(helm: string): void {
  let repository: ChartRepository
  const names = ['blue', 'green', 'red']
  let namespace: Awaited<ReturnType<typeof createNamespace>>
  let octopod: Octopod
  let initialObjects: string[]

  const selector = (name: string) => `app.kubernetes.io/instance=${name}`
  const pods = (name: string, component = '') =>
    getObjects(
      namespace.name,
      'pods',
      `${selector(name)}${component && `,app.kubernetes.io/component=${component}`}`,
    )
  const runningPods = async (name: string) =>
    (await pods(name))
      .filter(({ status }) => status.phase !== 'Succeeded')
      .map(({ metadata }) => metadata.uid)
  const imagesOf = async (name: string, component: string) =>
    (await pods(name, component)).map(({ spec }) => (spec.containers as { image: string }[])[0]?.image)
  const counts = async (name: string) =>
    Object.fromEntries(
      (await getObjects(namespace.name, 'deployments,statefulsets', selector(name))).map(
        ({ metadata, spec }) => [metadata.name, spec.replicas],
      ),
    )

  before(async () => {
    repository = await serveSampleChart()
    namespace = await createNamespace()
    const shared = ['secret', 'generic', 'shared', `--namespace=${namespace.name}`]
    await kubectl('create', ...shared, '--from-literal=key=a shared value')
    initialObjects = await listNamespace(namespace.name)
    octopod = await startOctopod({
      NAMESPACE: namespace.name,
      HELM_BIN: helm,
      HELM_USER: credentials.user,
      HELM_PASS: credentials.password,
      DEFAULTS: JSON.stringify({
        chart_name: 'sample',
        chart_repo_url: repository.url,
        chart_version: '1.2.3',
        default_overrides: ['image.tag=1.36'],
      }),
    })
  })
  after(async () => {
    await octopod?.stop()
    await namespace?.remove()
    await repository?.stop()
  })

  test('Several deployments are created at once from a private repository, each with its own host, config and volume', async () => {
    const greeting = 'Hello, {world}, "you" = me\nand $HOME'
    const config: Record<string, Record<string, string>> = {
      blue: { greeting },
      green: { 'web.replicas': '3' },
      red: { 'ingress.tls': 'true' },
    }
    const replies = await Promise.all(names.map((name) => octopod.create(name, config[name] ?? {})))
    assert.deepEqual(
      replies.map(({ text }) => text),
      names.map(() => '{"tag":"Success"}'),
    )
    const infos = await Promise.all(names.map((name) => octopod.waitForStatus(name, 'Running')))
    assert.deepEqual(
      infos.map(({ metadata }) => metadata.map(({ link }) => link.replace(/\/$/, ''))),
      [[`http://blue.${baseDomain}`], [`http://green.${baseDomain}`], [`https://red.${baseDomain}`]],
    )
    assert.deepEqual(await counts('green'), { 'green-web': 3, 'green-worker': 1, 'green-store': 1 })
    const [web] = await getObjects(
      namespace.name,
      'deployments',
      `${selector('blue')},app.kubernetes.io/component!=x`,
    )
    assert.ok(
      JSON.stringify(web).includes(JSON.stringify(greeting).slice(1, -1)),
      'the greeting is unchanged',
    )
    const claims = await getObjects(namespace.name, 'persistentvolumeclaims')
    assert.deepEqual(
      claims.map(({ metadata, status }) => [metadata.name, status.phase]),
      names.map((name) => [`data-${name}-store-0`, 'Bound']),
    )
  })

  test('A new image tag is rolled out without effect on other deployments', async () => {
    const otherPods = await runningPods('red')
    await octopod.update('blue', { 'image.tag': '1.37' })
    await octopod.waitForStatus('blue', 'Running')
    assert.deepEqual(await imagesOf('blue', 'web'), ['busybox:1.37', 'busybox:1.37'])
    assert.deepEqual(await imagesOf('blue', 'store'), ['busybox:1.37'])
    assert.deepEqual(await runningPods('red'), otherPods)
  })

  test('A deployment is PartialAvailability if a part does not start, and Running after the repair', async () => {
    await octopod.update('green', { 'web.replicas': '3', 'worker.tag': 'missing' })
    await octopod.waitForStatus('green', 'PartialAvailability')
    await octopod.update('green', { 'web.replicas': '3' })
    await octopod.waitForStatus('green', 'Running')
  })

  test('The check detects a pod that stops being ready, and its recovery', {
    skip: skips.withoutKwok,
  }, async () => {
    const [pod] = await pods('green', 'web')
    const annotate = (mark: string) =>
      kubectl(
        'annotate',
        'pod',
        pod?.metadata.name ?? '',
        `--namespace=${namespace.name}`,
        `octopod.kwok/ready${mark}`,
      )
    await annotate('=false')
    await octopod.waitForStatus('green', 'PartialAvailability')
    await annotate('-')
    await octopod.waitForStatus('green', 'Running')
  })

  test('A tag that was set by hand is TagMismatch until the next update', async () => {
    await kubectl('set', 'image', 'deployment/red-web', 'web=busybox:1.37', `--namespace=${namespace.name}`)
    await octopod.waitForStatus('red', 'TagMismatch')
    await octopod.update('red', { 'ingress.tls': 'true' })
    await octopod.waitForStatus('red', 'Running')
    assert.deepEqual(new Set(await imagesOf('red', 'web')), new Set(['busybox:1.36']))
  })

  test('An archived deployment has no pods and keeps its data; a restored one has its old counts', async () => {
    await kubectl('scale', 'deployment/blue-worker', '--replicas=2', `--namespace=${namespace.name}`)
    const before = { blue: await counts('blue'), green: await counts('green') }
    assert.deepEqual(before.blue, { 'blue-web': 2, 'blue-worker': 2, 'blue-store': 1 })
    const otherPods = await runningPods('red')

    await Promise.all([octopod.archive('blue'), octopod.archive('green')])
    await Promise.all([octopod.waitForStatus('blue', 'Archived'), octopod.waitForStatus('green', 'Archived')])
    assert.deepEqual([await runningPods('blue'), await runningPods('green')], [[], []])
    const claims = await getObjects(namespace.name, 'persistentvolumeclaims')
    assert.equal(claims.length, 3)

    await Promise.all([octopod.restore('blue'), octopod.restore('green')])
    await Promise.all([octopod.waitForStatus('blue', 'Running'), octopod.waitForStatus('green', 'Running')])
    assert.deepEqual({ blue: await counts('blue'), green: await counts('green') }, before)
    assert.equal((await runningPods('blue')).length, 5)
    assert.deepEqual(await imagesOf('blue', 'worker'), ['busybox:1.37', 'busybox:1.37'])
    assert.deepEqual(await runningPods('red'), otherPods)
  })

  test('A config that the cluster would reject is rejected before anything starts, with the name of the field', async () => {
    const bad = await octopod.update('red', { 'web.replicas': 'many' })
    assert.equal(bad.status, 400)
    assert.match(bad.text, /replicas/)
    await octopod.waitForStatus('red', 'Running')
  })

  test('The password of the repository is in no output', async () => {
    assert.ok(repository.requests.includes('sample-1.2.3.tgz'))
    for (const name of names)
      assert.ok(!(await octopod.readOutput(name)).includes(credentials.password), name)
  })

  test('After cleanup the namespace has only its initial objects', async () => {
    await Promise.all(names.map((name) => octopod.archive(name)))
    await Promise.all(names.map((name) => octopod.waitForStatus(name, 'Archived')))
    await Promise.all(names.map((name) => octopod.cleanup(name)))
    await Promise.all(names.map((name) => octopod.waitUntilDeleted(name)))
    await waitFor(
      'nothing is left',
      async () => {
        const remaining = (await listNamespace(namespace.name)).filter(
          (name) => !initialObjects.includes(name),
        )
        return { done: remaining.length === 0, value: null, seen: remaining }
      },
      60_000,
    )
    assert.deepEqual(await listNamespace(namespace.name), initialObjects)
  })
}
