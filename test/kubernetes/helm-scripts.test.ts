/** The Helm control scripts one by one, on every kind of workload: what each finds, changes, leaves alone and says. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { lifecycleArguments } from '../../domain/script.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { createNamespace, getObjects, helms, kubectl, skipWithoutKwok } from './cluster.ts'
import { baseDomain, createScriptRunner, workloadKindsChart } from './run-script.ts'

before(async () => {
  if (skipWithoutKwok) return
  await kubectl('apply', '-f', join(import.meta.dirname, 'operators.yaml'))
  await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s')
})

for (const helm of helms)
  describe(`the Helm scripts with ${helm}`, { skip: skipWithoutKwok, concurrency: 3 }, () => withHelm(helm))

function withHelm(helm: string): void {
  let namespace: Awaited<ReturnType<typeof createNamespace>>
  let scripts: ReturnType<typeof createScriptRunner>
  const { run, until } = {
    run: (...args: Parameters<typeof scripts.run>) => scripts.run(...args),
    until: (...args: Parameters<typeof scripts.runUntilExitCode>) => scripts.runUntilExitCode(...args),
  }
  const get = async (what: string, path: string) =>
    (await kubectl('get', '-n', namespace.name, what, '-o', `jsonpath=${path}`)).trim()
  const fine = async (...args: Parameters<typeof scripts.run>) => {
    const said = await run(...args)
    assert.equal(said.code, 0, JSON.stringify(said))
    return said
  }
  const counts = async (name: string) => ({
    web: await get(`deployment/${name}-web`, '{.spec.replicas}'),
    store: await get(`statefulset/${name}-store`, '{.spec.replicas}'),
    agent: await get(`daemonset/${name}-agent`, '{.spec.template.spec.nodeSelector}'),
    cron: await get(`cronjob/${name}-cron`, '{.spec.suspend}'),
  })

  before(async () => {
    namespace = await createNamespace()
    scripts = createScriptRunner('helm', namespace.name, {
      deployment: workloadKindsChart,
      environment: { HELM_BIN: helm },
    })
  })
  after(async () => {
    scripts?.removeCache()
    await namespace?.remove()
  })

  test('archive stops every kind of workload and unarchive brings back what was, however often they are called', async () => {
    const config = { postgresql: 'true', kafka: 'true' }
    await fine('create', 'kinds', config)
    // What Strimzi would have made of the Kafka.
    const made = ['-n', namespace.name, '-f', join(import.meta.dirname, 'strimzi.yaml')]
    await kubectl('apply', ...made)
    await until(0, 'check', 'kinds', config)
    await kubectl('scale', '-n', namespace.name, 'deployment/kinds-web', '--replicas=5')
    assert.equal((await run('archive_check', 'kinds', config)).code, 1)

    const stopped = { web: '0', store: '0', agent: '{"octopod/archived":"true"}', cron: 'true' }
    for (const _ of ['once', 'twice']) await fine('archive', 'kinds', config)
    assert.deepEqual(await counts('kinds'), stopped)
    assert.equal(await get('postgresqls/kinds-db', '{.spec.numberOfInstances}'), '0')
    assert.equal(
      await get('kafkas/kinds-bus', '{.metadata.annotations.strimzi\\.io/pause-reconciliation}'),
      'true',
    )
    assert.equal(await get('statefulset/kinds-bus-zookeeper', '{.spec.replicas}'), '0')
    assert.deepEqual(await getObjects(namespace.name, 'strimzipodsets.core.strimzi.io'), [])
    await until(0, 'archive_check', 'kinds', config)
    assert.equal((await run('check', 'kinds', config)).code, 1)

    for (const _ of ['once', 'twice']) await fine('unarchive', 'kinds', config)
    // 5 by hand, not the 3 of the chart.
    assert.deepEqual(await counts('kinds'), { web: '5', store: '2', agent: '', cron: 'false' })
    assert.equal(await get('postgresqls/kinds-db', '{.spec.numberOfInstances}'), '2')
    assert.equal(
      await get('kafkas/kinds-bus', '{.metadata.annotations.strimzi\\.io/pause-reconciliation}'),
      '',
    )
    assert.equal(await get('statefulset/kinds-bus-zookeeper', '{.spec.replicas}'), '3')
    await until(0, 'check', 'kinds', config)
    await fine('cleanup', 'kinds', config)
    await kubectl('delete', ...made, '--ignore-not-found')
  })

  test('what Octopod 1.6 has archived, without a note, is restored with the counts of the chart', async () => {
    await fine('create', 'old')
    await kubectl(
      'scale',
      '-n',
      namespace.name,
      'deployment/old-web',
      'statefulset/old-store',
      '--replicas=0',
    )
    await fine('unarchive', 'old')
    assert.deepEqual(await counts('old'), { web: '3', store: '2', agent: '', cron: 'false' })
    await fine('cleanup', 'old')
  })

  test('an update after an archive that broke off brings everything back, with the counts of the update', async () => {
    await fine('create', 'broken')
    await fine('archive', 'broken')
    await fine('update', 'broken', { 'web.replicas': '4' })
    const { web, store, agent, cron } = await counts('broken')
    assert.deepEqual({ web, store, agent, cron }, { web: '4', store: '2', agent: '', cron: 'false' })
    await until(0, 'check', 'broken', { 'web.replicas': '4' })
    await fine('cleanup', 'broken')
  })

  test('check tells ready, partly ready, another tag and nothing apart, with the reason in a sentence', async () => {
    const without = { agent: 'false', cron: 'false' }
    const gone = await run('check', 'checked', without)
    assert.equal(gone.code, 1)
    assert.match(gone.stdout, /^checked is not ready: Deployment checked-web does not exist; StatefulSet/)
    await fine('create', 'checked', without)
    assert.match((await until(0, 'check', 'checked', without)).stdout, /^checked is ready: 2 workloads\.\n$/)

    const [pod] = await getObjects(namespace.name, 'pods', 'app.kubernetes.io/instance=checked,part=web')
    await kubectl(
      'annotate',
      '-n',
      namespace.name,
      'pod',
      pod?.metadata.name ?? '',
      'octopod.kwok/ready=false',
    )
    const partly = await until(2, 'check', 'checked', without)
    assert.match(
      partly.stdout,
      /^1 of 2 workloads of checked not ready: Deployment checked-web has 2 of 3 replicas available\.\n$/,
    )
    await kubectl('annotate', '-n', namespace.name, 'pod', pod?.metadata.name ?? '', 'octopod.kwok/ready-')
    await until(0, 'check', 'checked', without)

    const other = await run('check', 'checked', { ...without, 'image.tag': '2' })
    assert.equal(other.code, 3)
    assert.match(other.stdout, /^checked runs example\.org\/web:1, but example\.org\/web:2 is configured/)

    // The new one cannot be pulled: the old one still answers.
    const missing = { ...without, 'image.tag': 'missing' }
    await fine('update', 'checked', missing)
    const old = await until(3, 'check', 'checked', missing)
    assert.match(
      old.stdout,
      /^checked runs example\.org\/(web|store):1, but example\.org\/(web|store):missing is configured \(Pod /,
    )
    await fine('cleanup', 'checked')
  })

  test('a workload that never starts says why it waits; a finished job is ready', async () => {
    const config = { agent: 'false', cron: 'false', job: 'done', 'image.tag': 'missing' }
    await fine('create', 'waiting', config)
    const said = await waitFor('the reason is told', async () => {
      const value = await run('check', 'waiting', config)
      return { done: value.stdout.includes('ImagePullBackOff'), value, seen: value }
    })
    assert.match(said.stdout, /Deployment waiting-web has 0 of 3 replicas available \(ImagePullBackOff\)/)
    await until(2, 'check', 'waiting', config)
    await fine('cleanup', 'waiting')
  })

  const refused: [string, Record<string, string>, RegExp][] = [
    ["the chart's schema", { 'web.replicas': '51' }, /^web\.replicas: .*(50|maximum)/],
    ['a type that the schema does not have', { 'web.replicas': 'many' }, /^web\.replicas: .*integer/],
    [
      'what the API server refuses',
      { 'store.replicas': '-1' },
      /^store\.replicas: StatefulSet(\.apps)? "bad-store" is invalid: spec\.replicas: Invalid value: -1/,
    ],
    [
      'a kind of value that does not fit',
      { 'store.replicas': 'two' },
      /^store\.replicas: StatefulSet: spec\.replicas is of type string instead of int32\n$/,
    ],
    [
      'no name of an image',
      { 'image.tag': 'a b' },
      /^image\.tag: Deployment bad-web: "example\.org\/web:a b" is not the name of an image\.$/m,
    ],
    ['a template that fails', { image: 'nginx' }, /^image: .*can't evaluate field tag/],
    [
      'a key that cannot be one',
      { 'a..b': '1' },
      /^The key "a\.\.b" cannot be used: a part of it is empty\.\n$/,
    ],
  ]
  for (const [what, config, says] of refused)
    test(`config_check names the key: ${what}`, async () => {
      const said = await run('config_check', 'bad', config)
      assert.match(said.stdout, says)
      assert.deepEqual({ code: said.code, stderr: said.stderr }, { code: 1, stderr: '' })
    })

  test('config_check takes what is fine, also when everything is there already, and changes nothing', async () => {
    await fine('config_check', 'asked')
    assert.deepEqual(await getObjects(namespace.name, 'deployments', 'app.kubernetes.io/instance=asked'), [])
    await fine('create', 'asked')
    await fine('config_check', 'asked', { 'web.replicas': '9', 'image.tag': '2' })
    assert.equal(await get('deployment/asked-web', '{.spec.replicas}'), '3')
    await fine('cleanup', 'asked')
  })

  test('values reach a pod letter by letter, and no secret is printed', async () => {
    const value = `a,b={c} "d" 'e' \\ $(f) \`g\` 日本 😀\n  - new: line\n# {{ .Values }}`
    const config = {
      'web.env.ODD': value,
      'web.env.DB_PASSWORD': 'se,cret\n"{1}"',
      'web.env.NUMBER': '20260101',
      agent: 'false',
    }
    const said = [
      await fine('config_check', 'valued', config),
      await fine('create', 'valued', config),
      await run('check', 'valued', config),
    ]
    const env = JSON.parse(await get('deployment/valued-web', '{.spec.template.spec.containers[0].env}'))
    assert.deepEqual(
      new Map(env.map(({ name, value }: Record<string, string>) => [name, value])),
      new Map([
        ['ODD', value],
        ['DB_PASSWORD', config['web.env.DB_PASSWORD']],
        ['NUMBER', '20260101'],
      ]),
    )
    for (const { stdout, stderr } of said) assert.doesNotMatch(stdout + stderr, /se,cret/)
    // Nothing of them is left on the disk either.
    for (const file of filesBelow(scripts.cache)) assert.ok(!textOf(file).includes('se,cret'), file)
    await fine('cleanup', 'valued')
  })

  test('info tells the hosts, with https where TLS ends: at the Ingress, at a Gateway of others, or nowhere', async () => {
    assert.equal((await fine('info', 'linked')).stdout, 'linked,http://linked.staging.example.com\n')
    assert.equal(
      (await fine('info', 'linked', { 'ingress.tls': 'true' })).stdout,
      'linked,https://linked.staging.example.com\n',
    )
    const routed = { 'route.gateway': 'shared-gateway' }
    assert.match(
      (await fine('info', 'linked', routed)).stdout,
      /^linked-route,http:\/\/route\.linked\.staging\.example\.com$/m,
    )
    const gateway = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'shared-gateway', namespace: namespace.name },
      spec: {
        listeners: [{ name: 'https', port: 443, protocol: 'HTTPS', hostname: '*.staging.example.com' }],
      },
    }
    await apply(gateway)
    assert.match(
      (await fine('info', 'linked', routed)).stdout,
      /^linked-route,https:\/\/route\.linked\.staging\.example\.com$/m,
    )
  })

  test('cleanup takes the claims of the deployment and leaves those of others', async () => {
    const claim = (name: string, labels: Record<string, string>) =>
      apply({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace: namespace.name, labels },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      })
    await fine('create', 'cleaned')
    await until(0, 'check', 'cleaned')
    await claim('shared', { app: 'shared' })
    await claim('cleaned-too', { 'app.kubernetes.io/instance': 'cleaned-too' })
    await claim('cleaned-old', { release: 'cleaned', heritage: 'Helm' })
    await fine('cleanup', 'cleaned')
    const left = (await getObjects(namespace.name, 'persistentvolumeclaims')).map(
      ({ metadata }) => metadata.name,
    )
    assert.ok(left.includes('shared') && left.includes('cleaned-too'), left.join())
    assert.ok(
      !left.some((name) => name === 'cleaned-old' || name.startsWith('data-cleaned-store')),
      left.join(),
    )
    assert.match((await fine('cleanup', 'cleaned')).stdout, /^There is nothing left of cleaned\.\n$/)
  })

  test('where nothing is installed, archive and cleanup are done, and unarchive installs', async () => {
    for (const script of ['archive', 'archive_check', 'cleanup'] as const) await fine(script, 'nothing')
    await fine('unarchive', 'nothing')
    await until(0, 'check', 'nothing')
    await fine('cleanup', 'nothing')
  })

  test('a helm that was killed at work does not lock the deployment out', async () => {
    const config = { 'stuck.hook': 'true', agent: 'false', cron: 'false' }
    const args = lifecycleArguments(
      { projectName: 'Tests', baseDomain, namespace: namespace.name },
      'killed',
      {
        application: Object.entries(config),
        deployment: Object.entries(workloadKindsChart),
      },
    )
    // Its hook never ends, so it is still at work when it is killed, with all its group, as a runner does it.
    const child = spawn(join(scripts.folder, 'create'), args, {
      env: scripts.env,
      detached: true,
      stdio: 'ignore',
    })
    await waitFor(
      'the hook is there',
      async () => {
        const found = await getObjects(namespace.name, 'jobs,pods')
        return { done: found.some(({ metadata }) => metadata.name.startsWith('killed-hook')), value: null }
      },
      60_000,
    )
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await kubectl('delete', '-n', namespace.name, 'job', 'killed-hook', '--ignore-not-found')
    const said = await fine('create', 'killed', { agent: 'false', cron: 'false' })
    assert.match(said.stdout, /An earlier helm was ended before it was done/)
    await until(0, 'check', 'killed', { agent: 'false', cron: 'false' })
    await fine('cleanup', 'killed')
  })

  test('a cluster that cannot be reached, and a namespace that is not there, are told in a sentence', async () => {
    const nowhere = createScriptRunner('helm', namespace.name, {
      deployment: workloadKindsChart,
      environment: { HELM_BIN: helm, KUBECONFIG: '/nowhere' },
    })
    const elsewhere = createScriptRunner('helm', 'no-such-namespace', {
      deployment: workloadKindsChart,
      environment: { HELM_BIN: helm },
    })
    for (const script of ['config_check', 'create', 'check'] as const) {
      const said = await nowhere.run(script, 'lost')
      assert.equal(said.code, 1)
      assert.doesNotMatch(said.stdout + said.stderr, /\n {4}at /)
    }
    const said = await elsewhere.run('config_check', 'lost')
    assert.match(said.stdout, /namespaces? "?no-such-namespace"? (was )?not found/i)
    nowhere.removeCache()
    elsewhere.removeCache()
  })

  async function apply(object: object): Promise<void> {
    const child = spawn('kubectl', ['apply', '-f', '-'], { stdio: ['pipe', 'ignore', 'inherit'] })
    child.stdin.end(JSON.stringify(object))
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(code, 0)
  }
}

/** Other scripts are at work in the same folder: what is gone again holds nothing. */
function filesBelow(folder: string): string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
