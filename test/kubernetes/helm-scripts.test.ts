/** The Helm control scripts, one by one, on every kind of workload. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { lifecycleArguments } from '../../domain/script.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { createNamespace, getObjects, helms, isOwnCluster, kubectl, skips } from './cluster.ts'
import { baseDomain, createScriptRunner, workloadKindsChart } from './run-script.ts'

before(async () => {
  if (!isOwnCluster) return
  await kubectl('apply', '-f', join(import.meta.dirname, 'operators.yaml'))
  await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s')
})

for (const helm of helms) describe(`the Helm scripts with ${helm}`, { concurrency: 3 }, () => withHelm(helm))

function withHelm(helm: string): void {
  let namespace: Awaited<ReturnType<typeof createNamespace>>
  let scripts: ReturnType<typeof createScriptRunner>
  const { run, until } = {
    run: (...args: Parameters<typeof scripts.run>) => scripts.run(...args),
    until: (...args: Parameters<typeof scripts.runUntilExitCode>) => scripts.runUntilExitCode(...args),
  }
  const get = async (resource: string, path: string) =>
    (await kubectl('get', '-n', namespace.name, resource, '-o', `jsonpath=${path}`)).trim()
  const runSuccessfully = async (...args: Parameters<typeof scripts.run>) => {
    const result = await run(...args)
    assert.equal(result.code, 0, JSON.stringify(result))
    return result
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

  test('archive stops every kind of workload and unarchive restores it, even if both run twice', {
    skip: skips.withoutOperators,
  }, async () => {
    const config = { postgresql: 'true', kafka: 'true' }
    await runSuccessfully('create', 'kinds', config)
    // The objects that Strimzi would create for the Kafka.
    const manifestArguments = ['-n', namespace.name, '-f', join(import.meta.dirname, 'strimzi.yaml')]
    await kubectl('apply', ...manifestArguments)
    await until(0, 'check', 'kinds', config)
    await kubectl('scale', '-n', namespace.name, 'deployment/kinds-web', '--replicas=5')
    assert.equal((await run('archive_check', 'kinds', config)).code, 1)

    const stopped = { web: '0', store: '0', agent: '{"octopod/archived":"true"}', cron: 'true' }
    for (const _ of ['once', 'twice']) await runSuccessfully('archive', 'kinds', config)
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

    for (const _ of ['once', 'twice']) await runSuccessfully('unarchive', 'kinds', config)
    // The count 5 was set by hand; the chart has 3.
    assert.deepEqual(await counts('kinds'), { web: '5', store: '2', agent: '', cron: 'false' })
    assert.equal(await get('postgresqls/kinds-db', '{.spec.numberOfInstances}'), '2')
    assert.equal(
      await get('kafkas/kinds-bus', '{.metadata.annotations.strimzi\\.io/pause-reconciliation}'),
      '',
    )
    assert.equal(await get('statefulset/kinds-bus-zookeeper', '{.spec.replicas}'), '3')
    await until(0, 'check', 'kinds', config)
    await runSuccessfully('cleanup', 'kinds', config)
    await kubectl('delete', ...manifestArguments, '--ignore-not-found')
  })

  test('A deployment that Octopod 1.6 archived, without the annotation, gets the counts of the chart', async () => {
    await runSuccessfully('create', 'old')
    await kubectl(
      'scale',
      '-n',
      namespace.name,
      'deployment/old-web',
      'statefulset/old-store',
      '--replicas=0',
    )
    await runSuccessfully('unarchive', 'old')
    assert.deepEqual(await counts('old'), { web: '3', store: '2', agent: '', cron: 'false' })
    await runSuccessfully('cleanup', 'old')
  })

  test('An update after an interrupted archive starts everything, with the counts of the update', async () => {
    await runSuccessfully('create', 'broken')
    await runSuccessfully('archive', 'broken')
    await runSuccessfully('update', 'broken', { 'web.replicas': '4' })
    const { web, store, agent, cron } = await counts('broken')
    assert.deepEqual({ web, store, agent, cron }, { web: '4', store: '2', agent: '', cron: 'false' })
    await until(0, 'check', 'broken', { 'web.replicas': '4' })
    await runSuccessfully('cleanup', 'broken')
  })

  test('check distinguishes ready, partly ready, another tag and not ready, and prints the reason', {
    skip: skips.withoutKwok,
  }, async () => {
    const without = { agent: 'false', cron: 'false' }
    const gone = await run('check', 'checked', without)
    assert.equal(gone.code, 1)
    assert.match(gone.stderr, /^checked is not ready: Deployment checked-web does not exist; StatefulSet/)
    await runSuccessfully('create', 'checked', without)
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
      partly.stderr,
      /^1 of 2 workloads of checked not ready: Deployment checked-web has 2 of 3 replicas available\.\n$/,
    )
    await kubectl('annotate', '-n', namespace.name, 'pod', pod?.metadata.name ?? '', 'octopod.kwok/ready-')
    await until(0, 'check', 'checked', without)

    const mismatch = await run('check', 'checked', { ...without, 'image.tag': '1.37' })
    assert.equal(mismatch.code, 3)
    assert.match(mismatch.stderr, /^checked runs busybox:1\.36, but busybox:1\.37 is configured/)

    // The new image cannot be pulled, so the old one still runs.
    const missing = { ...without, 'image.tag': 'missing' }
    await runSuccessfully('update', 'checked', missing)
    const old = await until(3, 'check', 'checked', missing)
    assert.match(old.stderr, /^checked runs busybox:1\.36, but busybox:missing is configured \(Pod /)
    await runSuccessfully('cleanup', 'checked')
  })

  test('check prints the waiting reason of a workload that does not start; a finished job is ready', async () => {
    const config = { agent: 'false', cron: 'false', job: '1.36', 'image.tag': 'missing' }
    await runSuccessfully('create', 'waiting', config)
    const result = await waitFor('check prints the reason', async () => {
      const value = await run('check', 'waiting', config)
      // The controller counts the updated replicas a moment after the pods have a reason.
      const counted =
        /Deployment waiting-web has 0 of 3 replicas available \((?:ErrImagePull|ImagePullBackOff)\)/
      return { done: counted.test(value.stderr), value, seen: value }
    })
    assert.match(
      result.stderr,
      /^Pod waiting-\S+ and \d more: the image busybox:missing of the container main cannot be pulled: (?:ErrImagePull|ImagePullBackOff)/m,
    )
    await until(2, 'check', 'waiting', config)
    await runSuccessfully('cleanup', 'waiting')
  })

  const rejected: [string, Record<string, string>, RegExp][] = [
    ["the chart's schema", { 'web.replicas': '51' }, /^web\.replicas: .*(50|maximum)/],
    ['a type that the schema does not allow', { 'web.replicas': 'many' }, /^web\.replicas: .*integer/],
    [
      'a value that the API server rejects',
      { 'store.replicas': '-1' },
      /^store\.replicas: StatefulSet(\.apps)? "bad-store" is invalid: spec\.replicas: Invalid value: -1/,
    ],
    [
      'a value of the wrong type',
      { 'store.replicas': 'two' },
      /^store\.replicas: StatefulSet: spec\.replicas is of type string instead of int32\n$/,
    ],
    [
      'an invalid image name',
      { 'image.tag': 'a b' },
      /^image\.tag: Deployment bad-web: "busybox:a b" is not the name of an image\.$/m,
    ],
    ['a template error', { image: 'nginx' }, /^image: .*can't evaluate field tag/],
    ['an invalid key', { 'a..b': '1' }, /^The key "a\.\.b" cannot be used: it has an empty part\.\n$/],
  ]
  for (const [title, config, message] of rejected)
    test(`config_check names the key: ${title}`, async () => {
      const result = await run('config_check', 'bad', config)
      assert.match(result.stdout, message)
      assert.deepEqual({ code: result.code, stderr: result.stderr }, { code: 1, stderr: '' })
    })

  test('config_check accepts a valid config, also for an existing deployment, and changes nothing', async () => {
    await runSuccessfully('config_check', 'asked')
    assert.deepEqual(await getObjects(namespace.name, 'deployments', 'app.kubernetes.io/instance=asked'), [])
    await runSuccessfully('create', 'asked')
    await runSuccessfully('config_check', 'asked', { 'web.replicas': '9', 'image.tag': '1.37' })
    assert.equal(await get('deployment/asked-web', '{.spec.replicas}'), '3')
    await runSuccessfully('cleanup', 'asked')
  })

  test('Values reach a pod unchanged, and no secret is printed', async () => {
    const value = `a,b={c} "d" 'e' \\ $(f) \`g\` 日本 😀\n  - new: line\n# {{ .Values }}`
    const config = {
      'web.env.ODD': value,
      'web.env.DB_PASSWORD': 'se,cret\n"{1}"',
      'web.env.NUMBER': '20260101',
      agent: 'false',
    }
    const result = [
      await runSuccessfully('config_check', 'valued', config),
      await runSuccessfully('create', 'valued', config),
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
    for (const { stdout, stderr } of result) assert.doesNotMatch(stdout + stderr, /se,cret/)
    // No file contains the secret.
    for (const file of filesBelow(scripts.cache)) assert.ok(!textOf(file).includes('se,cret'), file)
    await runSuccessfully('cleanup', 'valued')
  })

  test('info prints the hosts, with https if TLS ends at the Ingress or at an external Gateway', {
    skip: skips.withoutOperators,
  }, async () => {
    assert.equal(
      (await runSuccessfully('info', 'linked')).stdout,
      'linked,http://linked.staging.example.com\n',
    )
    assert.equal(
      (await runSuccessfully('info', 'linked', { 'ingress.tls': 'true' })).stdout,
      'linked,https://linked.staging.example.com\n',
    )
    const routed = { 'route.gateway': 'shared-gateway' }
    assert.match(
      (await runSuccessfully('info', 'linked', routed)).stdout,
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
      (await runSuccessfully('info', 'linked', routed)).stdout,
      /^linked-route,https:\/\/route\.linked\.staging\.example\.com$/m,
    )
  })

  test('cleanup deletes the volume claims of the deployment and no others', async () => {
    const claim = (name: string, labels: Record<string, string>) =>
      apply({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace: namespace.name, labels },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      })
    await runSuccessfully('create', 'cleaned')
    await until(0, 'check', 'cleaned')
    await claim('shared', { app: 'shared' })
    await claim('cleaned-too', { 'app.kubernetes.io/instance': 'cleaned-too' })
    await claim('cleaned-old', { release: 'cleaned', heritage: 'Helm' })
    await runSuccessfully('cleanup', 'cleaned')
    const remaining = (await getObjects(namespace.name, 'persistentvolumeclaims')).map(
      ({ metadata }) => metadata.name,
    )
    assert.ok(remaining.includes('shared') && remaining.includes('cleaned-too'), remaining.join())
    assert.ok(
      !remaining.some((name) => name === 'cleaned-old' || name.startsWith('data-cleaned-store')),
      remaining.join(),
    )
    assert.match((await runSuccessfully('cleanup', 'cleaned')).stdout, /^cleaned does not exist\.\n$/)
  })

  test('create names the volume claims of an earlier deployment, and a repeated cleanup deletes marked claims', async () => {
    const claim = (name: string, labels: Record<string, string> = {}) =>
      apply({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace: namespace.name, labels },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      })
    await claim('data-fresh-store-0')
    // An interrupted cleanup has removed the release, but not the claim.
    await claim('data-of-fresh', { 'octopod/cleanup': 'fresh' })
    const { stdout } = await runSuccessfully('create', 'fresh')
    for (const name of ['data-fresh-store-0', 'data-of-fresh'])
      assert.match(
        stdout,
        new RegExp(
          `^persistentvolumeclaim/${name} is there already, from 20.*\\. The data of an earlier`,
          'm',
        ),
      )
    await until(0, 'check', 'fresh')
    await runSuccessfully('cleanup', 'fresh')
    const left = (await getObjects(namespace.name, 'persistentvolumeclaims')).map(
      ({ metadata }) => metadata.name,
    )
    assert.ok(!left.some((name) => name.includes('fresh')), left.join())
  })

  test('If nothing is installed, archive and cleanup succeed, and unarchive installs', async () => {
    for (const script of ['archive', 'archive_check', 'cleanup'] as const)
      await runSuccessfully(script, 'nothing')
    await runSuccessfully('unarchive', 'nothing')
    await until(0, 'check', 'nothing')
    await runSuccessfully('cleanup', 'nothing')
  })

  test('A killed helm does not block the deployment', async () => {
    const config = { 'stuck.hook': 'true', agent: 'false', cron: 'false' }
    const args = lifecycleArguments(
      { projectName: 'Tests', baseDomain, namespace: namespace.name },
      'killed',
      {
        application: Object.entries(config),
        deployment: Object.entries(workloadKindsChart),
      },
    )
    // The hook never ends, so helm still runs when its process group is killed. A runner kills the group too.
    const child = spawn(join(scripts.folder, 'create'), args, {
      env: scripts.env,
      detached: true,
      stdio: 'ignore',
    })
    await waitFor(
      'the hook exists',
      async () => {
        const found = await getObjects(namespace.name, 'jobs,pods')
        return { done: found.some(({ metadata }) => metadata.name.startsWith('killed-hook')), value: null }
      },
      60_000,
    )
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await kubectl('delete', '-n', namespace.name, 'job', 'killed-hook', '--ignore-not-found')
    const result = await runSuccessfully('create', 'killed', { agent: 'false', cron: 'false' })
    assert.match(result.stdout, /An earlier helm was killed during its work/)
    await until(0, 'check', 'killed', { agent: 'false', cron: 'false' })
    await runSuccessfully('cleanup', 'killed')
  })

  test('An unreachable cluster and a missing namespace give one sentence', async () => {
    const nowhere = createScriptRunner('helm', namespace.name, {
      deployment: workloadKindsChart,
      environment: { HELM_BIN: helm, KUBECONFIG: '/nowhere' },
    })
    const elsewhere = createScriptRunner('helm', 'no-such-namespace', {
      deployment: workloadKindsChart,
      environment: { HELM_BIN: helm },
    })
    for (const script of ['config_check', 'create', 'check'] as const) {
      const result = await nowhere.run(script, 'lost')
      assert.equal(result.code, 1)
      assert.doesNotMatch(result.stdout + result.stderr, /\n {4}at /)
    }
    const result = await elsewhere.run('config_check', 'lost')
    assert.match(result.stdout, /namespaces? "?no-such-namespace"? (was )?not found/i)
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

/** All files below a folder. Concurrent scripts may delete some of them meanwhile. */
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
