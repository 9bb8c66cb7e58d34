/** Values of two installations whose manifests are golden files. */
import type { Values } from './helm.ts'

/** Additions to values-trial.yaml: fixed passwords. */
export const trial: Values = {
  postgres: { bundled: { password: 'the-password-of-postgres' } },
  redis: { bundled: { password: 'the-password-of-redis' } },
}

/** A production installation: external datastores and secrets, control scripts from an image, TLS, autoscaling. */
export const production: Values = {
  registry: 'registry.example.com/platform',
  imagePullSecrets: [{ name: 'registry' }],
  settings: {
    PROJECT_NAME: 'Shop',
    BASE_DOMAIN: 'staging.example.com',
    NAMESPACE: 'staging',
    SHUTDOWN_GRACE: 600,
  },
  authorization: { existingSecret: { name: 'octopod-authorization' } },
  oidc: {
    issuer: 'https://login.example.com/realms/shop',
    clientId: 'octopod',
    existingSecret: { name: 'octopod-oidc' },
  },
  policy: {
    inline: {
      version: 1,
      rules: [
        { group: 'platform', role: 'admin' },
        { group: 'shop', role: 'developer', names: ['shop-*'] },
      ],
    },
  },
  webhooks: { existingSecret: { name: 'octopod-webhooks' } },
  postgres: { existingSecret: { name: 'octopod-database', key: 'uri' } },
  redis: { url: 'rediss://:secret@redis.example.com:6380/0' },
  controlScripts: {
    image: { repository: 'registry.example.com/shop/control-scripts', tag: '7' },
    env: { INGRESS_HOST_KEY: 'ingress.hostname', DEFAULTS: '{"chart_name":"shop"}' },
    secretEnv: { HELM_PASS: { name: 'chart-repository', key: 'password' } },
  },
  server: { replicas: 3 },
  runner: { autoscaling: { enabled: true }, rbac: { extraRules: [extraRule()] } },
  ingress: {
    enabled: true,
    className: 'nginx',
    hosts: ['octopod.example.com'],
    tls: [{ secretName: 'octopod-tls', hosts: ['octopod.example.com'] }],
    api: { hosts: ['octopod-api.example.com'] },
  },
  metrics: {
    enabled: true,
    from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  },
  networkPolicy: {
    ingressController: [
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
    ],
    serverFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ci' } } }],
  },
}

function extraRule() {
  return {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: ['get', 'create'],
  }
}
