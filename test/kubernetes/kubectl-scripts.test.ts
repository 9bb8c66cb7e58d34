/** The kubectl control scripts with their sample and with a changing folder of manifests. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createNamespace, getObjects, kubectl, listNamespace } from './cluster.ts'
import { createScriptRunner } from './run-script.ts'

describe('the kubectl scripts', { concurrency: 3 }, () => {
  let namespace: Awaited<ReturnType<typeof createNamespace>>
  let scripts: ReturnType<typeof createScriptRunner>
  const sample = { 'image.tag': '1.28', replicas: '2', greeting: 'Hello' }

  before(async () => {
    namespace = await createNamespace()
    scripts = createScriptRunner('kubectl', namespace.name)
  })
  after(async () => {
    scripts?.removeCache()
    await namespace?.remove()
  })
  const runSuccessfully = async (...args: Parameters<typeof scripts.run>) => {
    const result = await scripts.run(...args)
    assert.equal(result.code, 0, JSON.stringify(result))
    return result
  }
  const get = async (resource: string, path: string) =>
    kubectl('get', '-n', namespace.name, resource, '-o', `jsonpath=${path}`)

  test('Two deployments of the sample are created, updated, archived, restored and deleted, and nothing is left', async () => {
    const value = `a,b={c} "d" 'e' \\ $(f) \${image.tag} 日本 😀\n  - new: line`
    await Promise.all(
      ['one', 'two'].map(async (name) => {
        const config = { ...sample, greeting: value }
        assert.equal(
          (await runSuccessfully('info', name, config)).stdout,
          `${name}-web,http://${name}.staging.example.com\n`,
        )
        await runSuccessfully('config_check', name, config)
        for (const _ of ['once', 'twice']) await runSuccessfully('create', name, config)
        await scripts.runUntilExitCode(0, 'check', name, config)
        const [env] = JSON.parse(
          await get(`deployment/${name}-web`, '{.spec.template.spec.containers[0].env}'),
        )
        assert.equal(env.value, value)

        const next = { ...config, 'image.tag': '1.29' }
        assert.equal((await scripts.run('check', name, next)).code, 3)
        await runSuccessfully('update', name, next)
        await scripts.runUntilExitCode(0, 'check', name, next)

        for (const _ of ['once', 'twice']) await runSuccessfully('archive', name, next)
        await scripts.runUntilExitCode(0, 'archive_check', name, next)
        for (const _ of ['once', 'twice']) await runSuccessfully('unarchive', name, next)
        assert.equal(await get(`deployment/${name}-web`, '{.spec.replicas}'), '2')
        await scripts.runUntilExitCode(0, 'check', name, next)
        for (const _ of ['once', 'twice']) await runSuccessfully('cleanup', name, next)
      }),
    )
    const remaining = (await listNamespace(namespace.name)).filter(
      (name) => /\b(one|two)-/.test(name) && !name.startsWith('pod'),
    )
    assert.deepEqual(remaining, [])
  })

  test('Two deployments of one folder select only their own pods', async () => {
    await Promise.all(['left', 'right'].map((name) => runSuccessfully('create', name, sample)))
    const selector = JSON.parse(await get('service/left-web', '{.spec.selector}'))
    assert.deepEqual(selector, { app: 'web', 'app.kubernetes.io/instance': 'left' })
    await scripts.runUntilExitCode(0, 'check', 'left', sample)
    const pods = await getObjects(namespace.name, 'pods', 'app=web,app.kubernetes.io/instance=left')
    assert.equal(pods.length, 2)
    await Promise.all(['left', 'right'].map((name) => runSuccessfully('cleanup', name, sample)))
  })

  const rejected: [string, Record<string, string>, RegExp][] = [
    [
      'an undeclared key',
      { ...sample, tag: '1.28' },
      /^tag: the manifests do not declare this key\. They declare: image\.tag, replicas, greeting\.\n$/,
    ],
    [
      'a value that is not a number',
      { ...sample, replicas: 'two' },
      /^replicas: "two" is not a whole number\.\n$/,
    ],
    [
      'a value that the API server rejects',
      { ...sample, replicas: '-1' },
      /^replicas: Deployment(\.apps)? "bad-web" is invalid: spec\.replicas: Invalid value: -1/,
    ],
    [
      'an invalid image name',
      { ...sample, 'image.tag': 'a b' },
      /^image\.tag: Deployment bad-web: ".+:a b" is not the name of an image\.\n$/,
    ],
    [
      'a missing value',
      { replicas: '1', greeting: 'x' },
      /^image\.tag: the value is missing, but Deployment bad-web needs it\.\n$/,
    ],
  ]
  for (const [title, config, message] of rejected)
    test(`config_check names the key: ${title}`, async () => {
      const result = await scripts.run('config_check', 'bad', config)
      assert.match(result.stdout, message)
      assert.deepEqual({ code: result.code, stderr: result.stderr }, { code: 1, stderr: '' })
    })

  test('A custom folder: another variant, a volume claim with data, and an update that deletes obsolete objects', async () => {
    const templates = join(scripts.cache, '../templates')
    cpSync(join(scripts.folder, 'sample'), templates, { recursive: true })
    mkdirSync(join(templates, 'store'))
    const store = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'store' },
      spec: {
        serviceName: 'store',
        selector: { matchLabels: { app: 'store' } },
        template: {
          metadata: { labels: { app: 'store' } },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: 'store',
                image: 'busybox:1.36',
                command: ['sleep', 'infinity'],
                env: [{ name: 'SH', value: `$\${HOME} \${HOME}` }],
              },
            ],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    }
    writeFileSync(join(templates, 'store/kustomization.yaml'), 'resources: [../base, store.yaml]\n')
    writeFileSync(join(templates, 'store/store.yaml'), JSON.stringify(store))
    const customScripts = createScriptRunner('kubectl', namespace.name, {
      environment: { OCTOPOD_TEMPLATES_DIR: templates },
    })

    await runSuccessfully('create', 'unlike', sample)
    const more = { folder: 'store' }
    const created = await customScripts.run('create', 'ours', sample, more)
    assert.equal(created.code, 0, JSON.stringify(created))
    await customScripts.runUntilExitCode(0, 'check', 'ours', sample, more)
    // A placeholder that octopod.yaml does not declare stays unchanged.
    assert.match(
      await get('statefulset/ours-store', '{.spec.template.spec.containers[0].env[0].value}'),
      /^\$\{HOME\} \$\{HOME\}$/,
    )
    assert.notEqual(await get('persistentvolumeclaims/data-ours-store-0', '{.metadata.uid}'), '')

    assert.equal((await customScripts.run('update', 'ours', sample)).code, 0)
    const names = async (kind: string) =>
      (await getObjects(namespace.name, kind)).map(({ metadata }) => metadata.name)
    assert.ok(!(await names('statefulsets')).includes('ours-store'))
    assert.ok(
      (await names('persistentvolumeclaims')).includes('data-ours-store-0'),
      'the data stays until cleanup',
    )

    const secure = await customScripts.run(
      'info',
      'ours',
      { ...sample, 'tls.secret': 'x' },
      { folder: 'public' },
    )
    assert.equal(secure.stdout, 'ours-web,https://ours.staging.example.com\n')
    const outside = await customScripts.run('config_check', 'ours', sample, { folder: '../..' })
    assert.match(
      outside.stdout,
      /^folder "\.\.\/\.\." is not a folder of the manifests with a kustomization\.yaml\.\n$/,
    )

    assert.equal((await customScripts.run('cleanup', 'ours', sample)).code, 0)
    assert.ok(!(await names('persistentvolumeclaims')).includes('data-ours-store-0'))
    assert.ok((await names('deployments')).includes('unlike-web'), 'other deployments are not changed')
    await runSuccessfully('cleanup', 'unlike', sample)
    customScripts.removeCache()
  })

  test('A bare pod returns after an archive, and config_check names the key of a field that cannot change', async () => {
    const templates = join(scripts.cache, '../fixed-templates')
    mkdirSync(templates)
    const spec = {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'busybox:1.36', command: ['sleep', 'infinity'] }],
    }
    writeFileSync(join(templates, 'octopod.yaml'), 'application: { size: 1Gi }\n')
    writeFileSync(join(templates, 'kustomization.yaml'), 'resources: [pod.yaml, store.yaml]\n')
    writeFileSync(
      join(templates, 'pod.yaml'),
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'bare' }, spec }),
    )
    const labels = { app: 'store' }
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: `\${size}` } } },
    }
    writeFileSync(
      join(templates, 'store.yaml'),
      JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'store' },
        spec: {
          serviceName: 'store',
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec },
          volumeClaimTemplates: [claim],
        },
      }),
    )
    const customScripts = createScriptRunner('kubectl', namespace.name, {
      environment: { OCTOPOD_TEMPLATES_DIR: templates },
    })
    const config = { size: '1Gi' }
    const run = async (...args: Parameters<typeof customScripts.run>) => {
      const result = await customScripts.run(...args)
      assert.equal(result.code, 0, JSON.stringify(result))
    }
    await run('config_check', 'fixed', config)
    await run('create', 'fixed', config)
    await customScripts.runUntilExitCode(0, 'check', 'fixed', config)
    await run('config_check', 'fixed', config)
    const refused = await customScripts.run('config_check', 'fixed', { size: '2Gi' })
    assert.match(
      refused.stdout,
      /^size: StatefulSet fixed-store: spec\.volumeClaimTemplates cannot change after the object was created\./,
    )
    for (const _ of ['once', 'twice']) await run('archive', 'fixed', config)
    await customScripts.runUntilExitCode(0, 'archive_check', 'fixed', config)
    for (const _ of ['once', 'twice']) await run('unarchive', 'fixed', config)
    assert.notEqual(await get('pod/fixed-bare', '{.metadata.uid}'), '')
    await run('archive', 'fixed', config)
    await run('cleanup', 'fixed', config)
    customScripts.removeCache()
  })

  test('cleanup deletes all objects of an interrupted create', async () => {
    // The inventory is written before the first object, so cleanup knows the objects of a failed apply.
    const narrow = await createNamespace()
    const customScripts = createScriptRunner('kubectl', narrow.name)
    await kubectl('create', 'quota', 'few', '-n', narrow.name, '--hard=count/ingresses.networking.k8s.io=0')
    const result = await customScripts.run('create', 'half', sample)
    assert.equal(result.code, 1)
    assert.match(result.stderr, /exceeded quota/)
    assert.equal((await getObjects(narrow.name, 'deployments')).length, 1)
    assert.equal((await customScripts.run('cleanup', 'half', sample)).code, 0)
    assert.deepEqual(await getObjects(narrow.name, 'deployments'), [])
    customScripts.removeCache()
    await narrow.remove()
  })
})
