/**
 * Tests of Octopod's chart for any version of Helm. Called by chart.test.ts and, with each Helm, by
 * test/kubernetes/chart.test.ts.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { parsePolicy } from '../../../domain/access/policy.ts'
import { readSettings } from '../../../domain/settings/read-settings.ts'
import { type SettingName, settings } from '../../../domain/settings.ts'
import { goldenFile, renderGolden } from './golden.ts'
import { environmentOf, find, type Helm, type Manifest, podOf, type Values } from './helm.ts'
import { production, trial } from './sample-values.ts'
import { settingsWithOwnValue } from './settings-schema.ts'

const stores = {
  postgres: { url: 'postgres://octopod:secret@db.example.com/octopod' },
  redis: { url: 'redis://redis.example.com' },
}

/** The values without which the chart says what is missing. */
const required = { ...stores, access: { anonymousRole: 'none' } }

/** The names of the Service in the cluster. */
const serviceHosts = 'octopod,octopod.octopod,octopod.octopod.svc,octopod.octopod.svc.cluster.local'

export function chartSuite(title: string, helm: Helm): void {
  const container = (manifests: Manifest[], kind: string, name: string) => {
    const found = podOf(find(manifests, kind, name))?.containers[0]
    assert.ok(found, name)
    return found
  }

  suite(title, () => {
    test('passes helm lint with default and trial values', () => {
      assert.match(helm.lint(), /0 chart\(s\) failed/)
      assert.match(helm.lint('values-trial.yaml'), /0 chart\(s\) failed/)
    })

    test('renders a trial and a production installation as in the golden files (npx node test/infra/chart/write-golden.ts writes them)', () => {
      for (const [name, text] of Object.entries(renderGolden(helm)))
        assert.equal(text, readFileSync(goldenFile(name), 'utf8'), name)
    })

    test('passes every setting unchanged to every program that reads it', () => {
      const settingValues: Record<string, unknown> = {}
      for (const name of Object.keys(settings) as SettingName[])
        if (!(name in settingsWithOwnValue)) settingValues[name] = sampleOf(name)
      settingValues.APP_URL = 'https://octopod.example.com'
      const manifests = helm.render({
        settings: settingValues,
        ...stores,
        oidc: {
          issuer: 'https://login.example.com',
          clientId: 'octopod "one"',
          existingSecret: { name: 'oidc' },
          scopes: 'openid',
          groupsClaim: 'roles',
          allowedGroups: ['a', 'b c'],
          name: 'Example',
        },
        proxy: { trusted: ['10.0.0.7', '10.1.0.0/28'], actorHeader: 'X-User', groupsHeader: 'X-Groups' },
        policy: { existingConfigMap: { name: 'policy', key: 'p.yaml' } },
        access: {
          anonymousRole: 'viewer',
          userRole: 'operator',
          signedInRole: 'none',
          ownership: false,
          sharedCredentials: false,
        },
        authorization: { admin: 'Bearer $admin "quoted"', user: 'Basic dXNlcg==' },
        controlScripts: { path: '/my/scripts' },
        metrics: { enabled: true, port: 9464 },
      })
      const expected: Partial<Record<SettingName, unknown>> = {
        ...settingValues,
        DATABASE_URL: stores.postgres.url,
        REDIS_URL: stores.redis.url,
        POWER_AUTHORIZATION_HEADER: 'Bearer $admin "quoted"',
        APP_AUTHORIZATION_HEADER: 'Basic dXNlcg==',
        CONTROL_SCRIPTS_DIR: '/my/scripts',
        METRICS_PORT: 9464,
        HEARTBEAT_FILE: '/tmp/heartbeat',
        OIDC_ISSUER: 'https://login.example.com',
        OIDC_CLIENT_ID: 'octopod "one"',
        OIDC_CLIENT_SECRET: undefined,
        OIDC_CLIENT_SECRET_FILE: '/etc/octopod/oidc/client-secret',
        OIDC_SCOPES: 'openid',
        OIDC_GROUPS_CLAIM: 'roles',
        OIDC_ALLOWED_GROUPS: 'a,b c',
        OIDC_NAME: 'Example',
        ACTOR_HEADER: 'X-User',
        GROUPS_HEADER: 'X-Groups',
        TRUSTED_PROXIES: '10.0.0.7,10.1.0.0/28',
        OCTOPOD_POLICY: '/etc/octopod/policy/p.yaml',
        ANONYMOUS_ROLE: 'viewer',
        USER_ROLE: 'operator',
        SIGNED_IN_ROLE: 'none',
        OWNERSHIP: 'false',
        SHARED_CREDENTIALS: 'off',
        ALLOWED_HOSTS: `${settingValues.ALLOWED_HOSTS},${serviceHosts}`,
      }
      const programs = {
        server: container(manifests, 'Deployment', 'octopod-server'),
        runner: container(manifests, 'Deployment', 'octopod-runner'),
        migrate: container(manifests, 'Job', 'octopod-migrate'),
      }
      for (const [programName, program] of Object.entries(programs)) {
        const environment = environmentOf(manifests, program)
        for (const name of Object.keys(settings) as SettingName[])
          if ((settings[name].programs as readonly string[]).includes(programName))
            assert.equal(
              environment[name],
              expected[name] === undefined ? undefined : String(expected[name]),
              `${programName}: ${name}`,
            )
      }
    })

    test('gives each program only the secrets that it needs', () => {
      for (const manifests of [
        helm.render({ ...required, authorization: { admin: 'a', user: 'b' } }),
        helm.render(trial, 'values-trial.yaml'),
      ]) {
        const runner = environmentOf(manifests, container(manifests, 'Deployment', 'octopod-runner'))
        assert.deepEqual(
          Object.keys(runner).filter((name) => /AUTHORIZATION|PASSWORD/.test(name)),
          [],
        )
        for (const manifest of manifests)
          for (const container of podOf(manifest)?.containers ?? [])
            assert.ok(
              !JSON.stringify(container.command ?? []).includes('password-of'),
              manifest.metadata.name,
            )
      }
    })

    test('derives the termination grace period from the settings, rounded up', () => {
      const graceOf = (values: Values, name: string) =>
        podOf(find(helm.render({ ...required, ...values }), 'Deployment', name))
          ?.terminationGracePeriodSeconds
      const long = { settings: { SHUTDOWN_GRACE: 120, KILL_GRACE: '7.5' } }
      assert.equal(graceOf(long, 'octopod-runner'), 120 + 8 + 15)
      assert.equal(graceOf(long, 'octopod-server'), 5 + 120 + 10)
      assert.equal(graceOf({ settings: { SHUTDOWN_DELAY: '7.5' } }, 'octopod-server'), 8 + 60 + 10)
      assert.equal(graceOf({}, 'octopod-runner'), 60 + 5 + 15)
      assert.equal(graceOf({ settings: { SHUTDOWN_GRACE: 0 } }, 'octopod-runner'), 0 + 5 + 15)
      assert.equal(graceOf({ settings: { SHUTDOWN_GRACE: null } }, 'octopod-runner'), 60 + 5 + 15)
    })

    test('creates only pods of the restricted profile with a read-only root file system', () => {
      for (const manifests of [
        helm.render(trial, 'values-trial.yaml'),
        helm.render(production),
        helm.render(required),
      ])
        for (const manifest of manifests) {
          const pod = podOf(manifest)
          if (pod === null) continue
          const name = `${manifest.kind} ${manifest.metadata.name}`
          assert.equal(pod.securityContext.runAsNonRoot, true, name)
          assert.ok(Number(pod.securityContext.runAsUser) > 0, name)
          assert.deepEqual(pod.securityContext.seccompProfile, { type: 'RuntimeDefault' }, name)
          for (const container of [...pod.containers, ...(pod.initContainers ?? [])])
            assert.deepEqual(
              container.securityContext,
              {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              `${name}: ${container.name}`,
            )
          const holdsToken = pod.automountServiceAccountToken !== false
          assert.equal(holdsToken, manifest.metadata.name === 'octopod-runner', name)
        }
    })

    test('gives the runner permissions in one namespace, and none over RBAC objects', () => {
      const manifests = helm.render({ ...required, settings: { NAMESPACE: 'staging' } })
      const kinds = manifests.map(({ kind }) => kind)
      assert.ok(!kinds.includes('ClusterRole') && !kinds.includes('ClusterRoleBinding'))
      // A rehearsal in another namespace has another Role beside it.
      const role = find(manifests, 'Role', 'octopod-octopod-runner')
      assert.equal(role.metadata.namespace, 'staging')
      assert.equal(find(manifests, 'RoleBinding', 'octopod-octopod-runner').metadata.namespace, 'staging')
      assert.ok(find(helm.render(required), 'Role', 'octopod-runner'))
      const text = JSON.stringify(role.rules)
      for (const forbidden of ['"*"', 'rbac.authorization.k8s.io', 'pods/exec', 'impersonate', 'nodes'])
        assert.ok(!text.includes(forbidden), forbidden)
      const wide = helm.render({ ...required, runner: { rbac: { clusterWide: true } } })
      assert.ok(find(wide, 'ClusterRole', 'octopod-octopod-runner'))
      const custom = helm.render({
        ...required,
        runner: { serviceAccount: { name: 'mine' }, rbac: { create: false } },
      })
      assert.equal(podOf(find(custom, 'Deployment', 'octopod-runner'))?.serviceAccountName, 'mine')
      assert.ok(!custom.some(({ kind }) => kind === 'Role'))
    })

    test('answers on more ports of its Service if programs use those of Octopod 1.6', () => {
      const manifests = helm.render({ ...required, server: { service: { extraPorts: [4443, 4000] } } })
      const { ports } = find(manifests, 'Service', 'octopod').spec as { ports: object[] }
      assert.deepEqual(
        ports,
        [
          ['http', 80],
          ['http-4443', 4443],
          ['http-4000', 4000],
        ].map(([name, port]) => ({ name, port, targetPort: 'http' })),
      )
    })

    test('migrates before the other pods: in a hook, or in an init container with the bundled PostgreSQL', () => {
      const hook = helm.render(required)
      const job = find(hook, 'Job', 'octopod-migrate')
      assert.equal(job.metadata.annotations?.['helm.sh/hook'], 'pre-install,pre-upgrade')
      // The Secret must exist before the Job.
      const secret = find(hook, 'Secret', 'octopod-migrate')
      assert.equal(secret.metadata.annotations?.['helm.sh/hook'], 'pre-install,pre-upgrade')
      assert.ok(Number(secret.metadata.annotations?.['helm.sh/hook-weight']) < 0)

      const bundled = helm.render(trial, 'values-trial.yaml')
      assert.ok(!bundled.some(({ kind }) => kind === 'Job'))
      for (const name of ['octopod-server', 'octopod-runner'])
        assert.deepEqual(podOf(find(bundled, 'Deployment', name))?.initContainers?.[0]?.command, [
          'node',
          'db/migrate.ts',
        ])
      const without = helm.render({ ...required, migration: { mode: 'none' } })
      assert.ok(!without.some(({ kind }) => kind === 'Job'))
      assert.ok(!podOf(find(without, 'Deployment', 'octopod-server'))?.initContainers)
    })

    test('gives all pods the files for TLS to the stores, and the migration an address of its own', () => {
      const manifests = helm.render({
        ...required,
        storeFiles: { existingSecret: 'store-certificates' },
        migration: { existingSecret: { name: 'owner', key: 'url' } },
      })
      for (const [kind, name, part] of [
        ['Deployment', 'octopod-server', 'server'],
        ['Deployment', 'octopod-runner', 'runner'],
        ['Job', 'octopod-migrate', 'migrate'],
      ] as const) {
        const text = JSON.stringify(find(manifests, kind, name))
        assert.match(text, /"secretName":"store-certificates"/, name)
        assert.match(
          JSON.stringify(container(manifests, kind, name)),
          /"mountPath":"\/etc\/octopod\/stores"/,
          part,
        )
      }
      assert.match(
        JSON.stringify(container(manifests, 'Job', 'octopod-migrate')),
        /"MIGRATION_DATABASE_URL","valueFrom":\{"secretKeyRef":\{"key":"url","name":"owner"\}|"name":"owner","key":"url"/,
      )
    })

    test('copies control scripts from an image to the same path and sets their variables', () => {
      const manifests = helm.render(production)
      const pod = podOf(find(manifests, 'Deployment', 'octopod-runner'))
      const copy = pod?.initContainers?.[0]
      assert.equal(copy?.image, 'registry.example.com/shop/control-scripts:7')
      assert.deepEqual(copy?.command, ['sh', '-c', 'cp -R "$1"/. /copy/', 'copy', '/utils'])
      const runner = pod?.containers[0]
      assert.ok(runner)
      const variables = Object.fromEntries(
        (runner.env ?? []).map((variable) => [variable.name, variable.value]),
      )
      assert.equal(variables.CONTROL_SCRIPTS_DIR, '/utils')
      assert.equal(variables.DEFAULTS, '{"chart_name":"shop"}')
      const { data } = find(manifests, 'ConfigMap', 'octopod-settings')
      assert.equal((data as Record<string, string>).SCRIPT_ENVIRONMENT, 'DEFAULTS,INGRESS_HOST_KEY,HELM_PASS')
    })

    test('exposes metrics to Prometheus on a separate Service, only if enabled', () => {
      const manifests = helm.render(production)
      const monitor = find(manifests, 'ServiceMonitor', 'octopod-metrics')
      const { selector } = monitor.spec as { selector: { matchLabels: Record<string, string> } }
      const labelsOf = ({ metadata }: Manifest) =>
        (metadata as { labels?: Record<string, string> }).labels ?? {}
      const found = manifests.filter(
        (manifest) =>
          manifest.kind === 'Service' &&
          Object.entries(selector.matchLabels).every(([key, value]) => labelsOf(manifest)[key] === value),
      )
      assert.deepEqual(
        found.map(({ metadata }) => metadata.name),
        ['octopod-metrics'],
      )
      const { ports } = find(manifests, 'Service', 'octopod').spec as { ports: { name: string }[] }
      assert.deepEqual(
        ports.map(({ name }) => name),
        ['http'],
      )
      const without = helm.render(required)
      assert.ok(!without.some(({ metadata }) => metadata.name === 'octopod-metrics'))
      const server = environmentOf(without, container(without, 'Deployment', 'octopod-server'))
      assert.equal(server.METRICS_PORT, undefined)
    })

    test('starts a server from its values in every way to sign in', () => {
      const page = {
        ingress: { enabled: true, hosts: ['o.example.com'], tls: [{ hosts: ['o.example.com'] }] },
      }
      for (const values of [
        { oidc: { issuer: 'https://id.example.com', clientId: 'octopod' }, ...page },
        {
          oidc: { issuer: 'https://id.example.com', clientId: 'o' },
          settings: { APP_URL: 'http://localhost:8080' },
        },
        { proxy: { actorHeader: 'X-User', trusted: ['10.0.0.7'] } },
        { authorization: { user: 'Bearer user' } },
        { access: { anonymousRole: 'none' }, authorization: { admin: 'Bearer admin' } },
      ]) {
        const manifests = helm.render({ ...stores, ...values })
        const environment = environmentOf(manifests, container(manifests, 'Deployment', 'octopod-server'))
        assert.doesNotThrow(() => readSettings('server', environment), JSON.stringify(values))
      }
    })

    test('mounts the policy as a folder, and a change of it does not restart the pods', () => {
      const policyOf = (role: string) => ({
        version: 1,
        rules: [
          { group: 'platform', role: 'admin' },
          { group: 'shop', role, names: ['shop-*'] },
        ],
      })
      const render = (values: Values) => helm.render({ ...required, ...values })
      const manifests = render({ policy: { inline: policyOf('viewer') } })
      const { data } = find(manifests, 'ConfigMap', 'octopod-policy')
      const parsed = parsePolicy((data as Record<string, string>)['policy.yaml'] ?? '')
      assert.ok('policy' in parsed)
      assert.equal(parsed.policy.rules.length, 2)
      const server = find(manifests, 'Deployment', 'octopod-server')
      const mounts = podOf(server)?.containers[0]?.volumeMounts as { name: string; subPath?: string }[]
      assert.deepEqual(
        mounts.filter(({ name }) => name === 'policy'),
        [{ name: 'policy', mountPath: '/etc/octopod/policy', readOnly: true }],
      )
      const changed = find(
        render({ policy: { inline: policyOf('developer') } }),
        'Deployment',
        'octopod-server',
      )
      assert.deepEqual(changed, server)
      const existing = render({ policy: { existingConfigMap: { name: 'mine' } } })
      assert.ok(!existing.some(({ metadata }) => metadata.name === 'octopod-policy'))
      assert.match(JSON.stringify(podOf(find(existing, 'Deployment', 'octopod-server'))?.volumes), /"mine"/)
    })

    test('mounts the client secret as a file, and lets the server reach the provider', () => {
      const oidc = {
        issuer: 'https://id.example.com:8443/x',
        clientId: 'o',
        existingSecret: { name: 'oidc', key: 's' },
      }
      const settings = { APP_URL: 'https://o.example.com' }
      const manifests = helm.render({ ...stores, oidc, settings })
      const pod = podOf(find(manifests, 'Deployment', 'octopod-server'))
      assert.match(JSON.stringify(pod?.volumes), /"secretName":"oidc"/)
      assert.doesNotMatch(JSON.stringify(podOf(find(manifests, 'Deployment', 'octopod-runner'))), /oidc/)
      const { egress } = find(manifests, 'NetworkPolicy', 'octopod-server').spec as { egress: unknown[] }
      assert.deepEqual(egress.at(-1), { ports: [{ port: 8443, protocol: 'TCP' }] })
    })

    test('lets the server reach the issuers of CI jobs in the policy, each port once', () => {
      const issuers = ['https://a.example', 'https://b.example/x', 'https://c.example:9443']
      const rule = { audience: 'x', conditions: { sub: 'y' }, role: 'viewer', names: ['z'] }
      const trust = issuers.map((issuer) => ({ ...rule, issuer }))
      const manifests = helm.render({
        ...required,
        policy: { inline: { version: 1, rules: [{ group: 'platform', role: 'admin' }], trust } },
      })
      const { egress } = find(manifests, 'NetworkPolicy', 'octopod-server').spec as { egress: unknown[] }
      assert.deepEqual(egress.slice(-2), [
        { ports: [{ port: 443, protocol: 'TCP' }] },
        { ports: [{ port: 9443, protocol: 'TCP' }] },
      ])
    })

    test('serves only the API on the API hosts, and lets nobody in there without a credential', () => {
      const api = { hosts: ['octopod-api.example.com'] }
      const manifests = helm.render({ ...required, ingress: { api }, authorization: { user: 'Bearer user' } })
      const { rules } = find(manifests, 'Ingress', 'octopod-api').spec as {
        rules: { host: string; http: { paths: { path: string }[] } }[]
      }
      assert.deepEqual(
        rules.map(({ host, http }) => [host, http.paths.map(({ path }) => path)]),
        [['octopod-api.example.com', ['/api/v1', '/event', '/auth/device']]],
      )
      assert.equal(manifests.filter(({ kind }) => kind === 'Ingress').length, 1)
      assert.throws(
        () => helm.render({ ...required, ingress: { api }, access: { anonymousRole: 'developer' } }),
        /ingress\.api\.hosts: no sign-in protects these hosts/,
      )
      const proxy = { actorHeader: 'X-User', trusted: ['10.0.0.7'] }
      assert.throws(
        () => helm.render({ ...required, ingress: { api }, proxy }),
        /ingress\.api\.hosts: .* everyone could send X-User there/,
      )
      assert.ok(helm.render({ ...required, ingress: { api: { ...api, removesProxyHeaders: true } }, proxy }))
    })

    test('sets APP_URL from the ingress hosts', () => {
      const appUrl = (values: Values) => {
        const { data } = find(helm.render({ ...required, ...values }), 'ConfigMap', 'octopod-settings')
        return (data as Record<string, string>).APP_URL
      }
      const hosts = ['one.example.com', 'two.example.com']
      const tls = [{ secretName: 'tls', hosts: ['one.example.com'] }]
      assert.equal(
        appUrl({ ingress: { enabled: true, hosts, tls } }),
        'https://one.example.com,http://two.example.com',
      )
      assert.equal(
        appUrl({ ingress: { enabled: true, hosts }, settings: { APP_URL: 'https://x' } }),
        'https://x',
      )
      assert.equal(appUrl({}), undefined)
      assert.equal(
        appUrl({ ingress: { enabled: true, hosts, path: '/octopod/' } }),
        'http://one.example.com/octopod,http://two.example.com/octopod',
      )
    })

    test('serves the page below ingress.path', () => {
      const ingress = { enabled: true, hosts: ['one.example.com'], path: '/octopod' }
      const { spec } = find(helm.render({ ...required, ingress }), 'Ingress', 'octopod')
      assert.match(JSON.stringify(spec), /"path":"\/octopod","pathType":"Prefix"/)
      assert.throws(
        () => helm.render({ ...required, ingress: { ...ingress, path: 'octopod' } }),
        /ingress.path/,
      )
    })

    test('sets ALLOWED_HOSTS from all ingresses and the Service', () => {
      const allowedHosts = (values: Values) => {
        const { data } = find(helm.render({ ...required, ...values }), 'ConfigMap', 'octopod-settings')
        return (data as Record<string, string>).ALLOWED_HOSTS
      }
      const ingress = { enabled: true, hosts: ['one.example.com'], api: { hosts: ['api.example.com'] } }
      const authorization = { user: 'Bearer user' }
      assert.equal(allowedHosts({}), serviceHosts)
      assert.equal(
        allowedHosts({ ingress, authorization, settings: { ALLOWED_HOSTS: 'more.example.com' } }),
        `more.example.com,one.example.com,api.example.com,${serviceHosts}`,
      )
    })

    test('lets only ingress controllers and named peers reach the server', () => {
      const policyOf = (values: Values) =>
        find(helm.render({ ...required, ...values }), 'NetworkPolicy', 'octopod-server').spec as {
          ingress: { from?: { namespaceSelector?: { matchExpressions?: { values: string[] }[] } }[] }[]
        }
      const [rule, ...others] = policyOf({}).ingress
      assert.deepEqual(others, [])
      const [peer, ...otherPeers] = rule?.from ?? []
      assert.deepEqual(otherPeers, [])
      assert.ok(peer?.namespaceSelector?.matchExpressions?.[0]?.values.includes('ingress-nginx'))
      const named = { podSelector: { matchLabels: { app: 'ci' } } }
      const both = policyOf({ networkPolicy: { serverFrom: [named] } }).ingress[0]?.from
      assert.deepEqual(both, [peer, named])
      assert.deepEqual(policyOf({ networkPolicy: { ingressController: [] } }).ingress, [])
    })

    test('accepts the values in the guides', () => {
      for (const guide of ['install', 'moving']) {
        const text = readFileSync(new URL(`../../../docs/${guide}.md`, import.meta.url), 'utf8')
        const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
        assert.ok(blocks.length > 0, guide)
        for (const block of blocks) {
          const manifests = helm.render(parse(block))
          assert.ok(find(manifests, 'Deployment', 'octopod-runner'), block)
        }
      }
    })

    test('rejects invalid values with a message', () => {
      const invalid: [Values, RegExp][] = [
        [{}, /postgres: set exactly one of .*now 0 are set/],
        [
          { ...required, redis: { url: 'redis://x', existingSecret: { name: 'y' } } },
          /redis: set exactly one/,
        ],
        [{ ...required, redis: { url: 'https://x' } }, /redis.*url/s],
        [{ ...required, settings: { LEES: 20 } }, /LEES/],
        [{ ...required, settings: { LEASE: 'long' } }, /LEASE/],
        [{ ...required, settings: { POWER_AUTHORIZATION_HEADER: 'x' } }, /POWER_AUTHORIZATION_HEADER/],
        [{ ...required, settings: { ACTOR_HEADER: 'x' } }, /ACTOR_HEADER/],
        [stores, /Nobody could use this installation: .*\n.*oidc\.issuer .*\n(.*\n)*.*anonymousRole=none/],
        [{ ...stores, authorization: { admin: 'Bearer a' } }, /Nobody could use this installation/],
        [
          { ...stores, authorization: { user: 'Bearer u' }, access: { sharedCredentials: false } },
          /Nobody could use this installation/,
        ],
        [{ ...stores, oidc: { issuer: 'https://x' } }, /oidc\.clientId/],
        [{ ...stores, oidc: { issuer: 'https://x', clientId: 'o' } }, /oidc\.issuer: .*settings\.APP_URL/],
        [
          { ...required, oidc: { issuer: 'http://x', clientId: 'o' } },
          /oidc\.issuer: it must begin with https/,
        ],
        [
          {
            ...stores,
            oidc: { issuer: 'https://x', clientId: 'o' },
            ingress: { enabled: true, hosts: ['o.example.com'] },
          },
          /only over https, but the address of the page is http:\/\/o\.example\.com/,
        ],
        [{ ...required, oidc: { clientId: 'o' } }, /oidc\.issuer: set the issuer/],
        [{ ...stores, proxy: { actorHeader: 'X-User' } }, /proxy\.actorHeader: set proxy\.trusted/],
        [{ ...required, proxy: { groupsHeader: 'X-Groups' } }, /proxy\.groupsHeader: set proxy\.actorHeader/],
        [{ ...required, access: { anonymousRole: 'admin' } }, /anonymousRole/],
        [{ ...required, policy: { inline: { version: 1, rules: [{ group: 'a', role: 'king' }] } } }, /role/],
        [
          { ...required, policy: { inline: { version: 1, rules: [{ group: 'a', role: 'viewer' }] } } },
          /policy\.inline: no rule gives the role admin/,
        ],
        [
          {
            ...required,
            policy: {
              inline: { version: 1, rules: [{ group: 'a', role: 'admin' }] },
              existingConfigMap: { name: 'x' },
            },
          },
          /not both/,
        ],
        [{ ...required, server: { replica: 2 } }, /replica/],
        [{ ...required, ingress: { enabled: true } }, /ingress\.hosts/],
        [{ ...required, metrics: { enabled: true, port: 8080 } }, /metrics\.port/],
        [{ ...required, metrics: { serviceMonitor: { enabled: true } } }, /nothing to monitor/],
        [
          { ...required, controlScripts: { env: { REDIS_URL: 'x' } } },
          /REDIS_URL is set by the chart itself/,
        ],
        [
          { ...required, postgres: { bundled: { enabled: true } }, migration: { mode: 'hook' } },
          /a hook would run before/,
        ],
      ]
      for (const [values, message] of invalid)
        assert.throws(() => helm.render(values), message, JSON.stringify(values))
    })
  })
}

/** A valid value that is not the default. */
function sampleOf(name: SettingName): string | number {
  const { parse } = settings[name]
  for (const sample of ['retry', 'warn', 'own', 'operator', 'off', 'removed'])
    if (parse.safeParse(sample).success && isChoice(name)) return sample
  const number = [1234, 123].find((value) => isChoice(name) && parse.safeParse(String(value)).success)
  if (number !== undefined)
    return name === 'OUTPUT_LIMIT' ? 123_456_789 : name === 'KILL_GRACE' ? 2.5 : number
  return ['REDIS_PREFIX', 'NAMESPACE'].includes(name) ? 'other' : `some "${name.toLowerCase()}": #1`
}

const isChoice = (name: SettingName) => !settings[name].parse.safeParse('no choice').success
