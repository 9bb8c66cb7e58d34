/**
 * The life of deployments made of a Helm chart, asked for over HTTP, done by the generic Helm scripts, seen in the cluster.
 * One file for each helm calls it, so that they run side by side.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { type ChartRepository, credentials, serveSampleChart } from './chart-repository.ts'
import { contents, kubectl, makeNamespace, notPlayed, objects } from './cluster.ts'
import { baseDomain, type Octopod, startOctopod } from './octopod.ts'

/** Tests, to be run in the order they are written. `helm`: the program. */
export function life(helm: string): void {
  let repository: ChartRepository
  const names = ['blue', 'green', 'red']
  let namespace: Awaited<ReturnType<typeof makeNamespace>>
  let octopod: Octopod
  let untouched: string[]

  const selector = (name: string) => `app.kubernetes.io/instance=${name}`
  const pods = (name: string, component = '') =>
    objects(
      namespace.name,
      'pods',
      `${selector(name)}${component && `,app.kubernetes.io/component=${component}`}`,
    )
  const living = async (name: string) =>
    (await pods(name))
      .filter(({ status }) => status.phase !== 'Succeeded')
      .map(({ metadata }) => metadata.uid)
  const imagesOf = async (name: string, component: string) =>
    (await pods(name, component)).map(({ spec }) => (spec.containers as { image: string }[])[0]?.image)
  const counts = async (name: string) =>
    Object.fromEntries(
      (await objects(namespace.name, 'deployments,statefulsets', selector(name))).map(
        ({ metadata, spec }) => [metadata.name, spec.replicas],
      ),
    )

  before(async () => {
    repository = await serveSampleChart()
    namespace = await makeNamespace()
    const shared = ['secret', 'generic', 'shared', `--namespace=${namespace.name}`]
    await kubectl('create', ...shared, '--from-literal=key=everybody needs it')
    untouched = await contents(namespace.name)
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

  test('several are created at once from a private repository, each with its own host, config and volume', async () => {
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
    const infos = await Promise.all(names.map((name) => octopod.becomes(name, 'Running')))
    assert.deepEqual(
      infos.map(({ metadata }) => metadata.map(({ link }) => link.replace(/\/$/, ''))),
      [[`http://blue.${baseDomain}`], [`http://green.${baseDomain}`], [`https://red.${baseDomain}`]],
    )
    assert.deepEqual(await counts('green'), { 'green-web': 3, 'green-worker': 1, 'green-store': 1 })
    const [web] = await objects(
      namespace.name,
      'deployments',
      `${selector('blue')},app.kubernetes.io/component!=x`,
    )
    assert.ok(JSON.stringify(web).includes(JSON.stringify(greeting).slice(1, -1)), 'the greeting came whole')
    const claims = await objects(namespace.name, 'persistentvolumeclaims')
    assert.deepEqual(
      claims.map(({ metadata, status }) => [metadata.name, status.phase]),
      names.map((name) => [`data-${name}-store-0`, 'Bound']),
    )
  })

  test('a new image tag is rolled out, and the others do not notice', async () => {
    const others = await living('red')
    await octopod.update('blue', { 'image.tag': '1.37' })
    await octopod.becomes('blue', 'Running')
    assert.deepEqual(await imagesOf('blue', 'web'), ['busybox:1.37', 'busybox:1.37'])
    assert.deepEqual(await imagesOf('blue', 'store'), ['busybox:1.37'])
    assert.deepEqual(await living('red'), others)
  })

  test('where only a part does not come up, it is PartialAvailability; mended, it is Running', async () => {
    await octopod.update('green', { 'web.replicas': '3', 'worker.tag': 'missing' })
    await octopod.becomes('green', 'PartialAvailability')
    await octopod.update('green', { 'web.replicas': '3' })
    await octopod.becomes('green', 'Running')
  })

  test('a pod that stops being ready is seen by itself, and so is that it has come back', {
    skip: notPlayed,
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
    await octopod.becomes('green', 'PartialAvailability')
    await annotate('-')
    await octopod.becomes('green', 'Running')
  })

  test('another tag than configured, set by hand, is TagMismatch until the next update', async () => {
    await kubectl('set', 'image', 'deployment/red-web', 'web=busybox:1.37', `--namespace=${namespace.name}`)
    await octopod.becomes('red', 'TagMismatch')
    await octopod.update('red', { 'ingress.tls': 'true' })
    await octopod.becomes('red', 'Running')
    assert.deepEqual(new Set(await imagesOf('red', 'web')), new Set(['busybox:1.36']))
  })

  test('archived, no pod of it is left and its data stays; restored, it has the counts it had', async () => {
    await kubectl('scale', 'deployment/blue-worker', '--replicas=2', `--namespace=${namespace.name}`)
    const before = { blue: await counts('blue'), green: await counts('green') }
    assert.deepEqual(before.blue, { 'blue-web': 2, 'blue-worker': 2, 'blue-store': 1 })
    const others = await living('red')

    await Promise.all([octopod.archive('blue'), octopod.archive('green')])
    await Promise.all([octopod.becomes('blue', 'Archived'), octopod.becomes('green', 'Archived')])
    assert.deepEqual([await living('blue'), await living('green')], [[], []])
    const claims = await objects(namespace.name, 'persistentvolumeclaims')
    assert.equal(claims.length, 3)

    await Promise.all([octopod.restore('blue'), octopod.restore('green')])
    await Promise.all([octopod.becomes('blue', 'Running'), octopod.becomes('green', 'Running')])
    assert.deepEqual({ blue: await counts('blue'), green: await counts('green') }, before)
    assert.equal((await living('blue')).length, 5)
    assert.deepEqual(await imagesOf('blue', 'worker'), ['busybox:1.37', 'busybox:1.37'])
    assert.deepEqual(await living('red'), others)
  })

  test('what the cluster would refuse is refused before anything starts, in words that name it', async () => {
    const bad = await octopod.update('red', { 'web.replicas': 'many' })
    assert.equal(bad.status, 400)
    assert.match(bad.text, /replicas/)
    await octopod.becomes('red', 'Running')
  })

  test('the password of the repository is in no output', async () => {
    assert.ok(repository.asked.includes('sample-1.2.3.tgz'))
    for (const name of names) assert.ok(!(await octopod.said(name)).includes(credentials.password), name)
  })

  test('cleaned up, nothing is left in the namespace but what was there before', async () => {
    await Promise.all(names.map((name) => octopod.archive(name)))
    await Promise.all(names.map((name) => octopod.becomes(name, 'Archived')))
    await Promise.all(names.map((name) => octopod.cleanup(name)))
    await Promise.all(names.map((name) => octopod.disappears(name)))
    await eventually(
      'nothing is left',
      async () => {
        const left = (await contents(namespace.name)).filter((each) => !untouched.includes(each))
        return { done: left.length === 0, value: null, seen: left }
      },
      60_000,
    )
    assert.deepEqual(await contents(namespace.name), untouched)
  })
}
