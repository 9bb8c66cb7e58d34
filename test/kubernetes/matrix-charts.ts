/**
 * The charts of the chart matrix: those that people really have, as small as possible. Their images exist, so they also
 * run on a real cluster. Used by chart-matrix.test.ts.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export type MatrixChart = {
  title: string
  /** The folder of the chart and its name. */
  name: string
  files: Record<string, string>
  /** The config of a failing update, the script that reports it, and what it says on stdout or stderr. */
  failing: { config: Record<string, string>; script: 'config_check' | 'update' | 'check'; message: RegExp }
  config?: Record<string, string>
  /** Added to the config by the update that succeeds. */
  update?: Record<string, string>
  /** Further fields of DEFAULTS. */
  defaults?: Record<string, unknown>
  isServedByRegistry?: boolean
}

const labels = 'app.kubernetes.io/instance: {{ .Release.Name }}'
const pod = (image: string, extra = '') => `metadata: { labels: { ${labels}, part: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: 'busybox:${image}', command: [sleep, infinity] }]${extra}`

/** A Deployment without a count leaves it to the HPA. */
export const deployment = (
  replicas = 'replicas: {{ .Values.replicas }}',
  annotations = '',
) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  labels: { ${labels} }
  ${annotations}
spec:
  ${replicas}
  selector: { matchLabels: { ${labels}, part: web } }
  template:
    ${pod('{{ .Values.image.tag }}')}
`
export const values = "image: { tag: '1.36' }\nreplicas: 1\n"
const chartYaml = (name: string) => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`

const missingImage = {
  config: { 'image.tag': 'missing' },
  script: 'check',
  message:
    /the image \S*busybox:missing of the container main cannot be pulled: (ErrImagePull|ImagePullBackOff)/,
} as const

const statefulSet = (size: string, tag: string) => `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: {{ .Release.Name }}-store }
spec:
  serviceName: store
  # No label with the name of the release, as in many old charts.
  selector: { matchLabels: { set: {{ .Release.Name }}-store } }
  template:
    metadata: { labels: { set: {{ .Release.Name }}-store } }
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: 'busybox:${tag}', command: [sleep, infinity] }]
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: ${size} } } }
`

export const widget = (kind: string) => `apiVersion: octopod.example.com/v1
kind: ${kind}
metadata: { name: {{ .Release.Name }}-widget }
spec: { size: {{ .Values.widget.size }} }
`

export function widgetDefinition(kind: string): string {
  const singular = kind.toLowerCase()
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ${singular}s.octopod.example.com }
spec:
  group: octopod.example.com
  scope: Namespaced
  names: { kind: ${kind}, plural: ${singular}s, singular: ${singular} }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { size: { type: integer, maximum: 9 } } }
`
}

export const matrixCharts: MatrixChart[] = [
  {
    title: 'plain',
    name: 'plain',
    files: { 'values.yaml': values, 'templates/web.yaml': deployment() },
    failing: missingImage,
  },
  {
    title: 'subcharts',
    name: 'parent',
    files: {
      'Chart.yaml': `${chartYaml('parent')}dependencies: [{ name: part, version: 1.0.0, alias: api }]\n`,
      'values.yaml': values,
      'templates/web.yaml': deployment(),
      'charts/part/Chart.yaml': chartYaml('part'),
      'charts/part/values.yaml': "image: { tag: '1.36' }\nreplicas: 1\n",
      'charts/part/templates/web.yaml': deployment()
        .replaceAll('-web', '-api')
        .replaceAll('part: web', 'part: api'),
    },
    failing: { ...missingImage, config: { 'api.image.tag': 'missing' } },
    config: { 'api.replicas': '2' },
  },
  {
    title: 'crds/',
    name: 'defines',
    files: {
      'values.yaml': `${values}widget: { size: 3 }\n`,
      'templates/web.yaml': deployment(),
      'templates/widget.yaml': widget('MatrixWidget'),
      'crds/widgets.yaml': widgetDefinition('MatrixWidget'),
    },
    failing: {
      config: { 'widget.size': '10' },
      script: 'config_check',
      message: /^widget\.size: .*MatrixWidget.*spec\.size: Invalid value: 10/,
    },
  },
  {
    // Helm can install such a chart only without objects of the new kind.
    title: 'definitions in templates',
    name: 'templated',
    files: {
      'values.yaml': `${values}widget: { enabled: false, size: 3 }\n`,
      'templates/web.yaml': deployment(),
      'templates/widgets.yaml': widgetDefinition('TemplateWidget'),
      'templates/widget.yaml': `{{- if .Values.widget.enabled }}\n${widget('TemplateWidget')}{{- end }}\n`,
    },
    update: { 'widget.enabled': 'true' },
    failing: {
      config: { 'widget.enabled': 'true', 'widget.size': '10' },
      script: 'config_check',
      message: /^widget\.size: .*TemplateWidget.*spec\.size: Invalid value: 10/,
    },
  },
  {
    title: 'hook that hangs',
    name: 'hooked',
    files: {
      'values.yaml': `${values}migration: { tag: '1.36' }\n`,
      'templates/web.yaml': deployment(),
      'templates/migration.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migration
  annotations: { helm.sh/hook: 'pre-install,pre-upgrade' }
spec:
  template:
    metadata: { labels: { ${labels}, part: migration } }
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{ name: main, image: 'busybox:{{ .Values.migration.tag }}', command: ['true'] }]
`,
    },
    failing: {
      config: { 'migration.tag': 'missing' },
      script: 'update',
      message:
        /pre-(upgrade|install)[\s\S]*the image \S*busybox:missing of the container main cannot be pulled/,
    },
    defaults: { helm_flags: ['--timeout=20s'] },
  },
  {
    title: 'StatefulSet with claims',
    name: 'stored',
    files: {
      'values.yaml': `${values}store: { tag: '1.36', size: 1Gi }\n`,
      'templates/store.yaml': statefulSet('{{ .Values.store.size }}', '{{ .Values.store.tag }}'),
    },
    failing: { ...missingImage, config: { 'store.tag': 'missing' } },
  },
  {
    title: 'HPA',
    name: 'scaled',
    files: {
      'values.yaml': values,
      'templates/web.yaml': deployment(''),
      'templates/hpa.yaml': `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: {{ .Release.Name }}-web }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ .Release.Name }}-web }
  minReplicas: 1
  maxReplicas: 3
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }]
`,
    },
    failing: missingImage,
  },
  {
    title: 'immutable fields',
    name: 'fixed',
    files: {
      'values.yaml': `${values}store: { tag: '1.36', size: 1Gi }\n`,
      'templates/web.yaml': deployment(),
      'templates/store.yaml': statefulSet('{{ .Values.store.size }}', '{{ .Values.store.tag }}'),
    },
    failing: {
      config: { 'store.size': '2Gi' },
      script: 'config_check',
      message:
        /^store\.size: StatefulSet \S+-store: spec\.volumeClaimTemplates cannot change after the object was created\./,
    },
  },
  {
    title: 'text values',
    name: 'texts',
    files: {
      'values.yaml': `${values}podAnnotations: { prometheus.io/scrape: "false" }\nenv: { DEBUG: "false" }\n`,
      'templates/web.yaml': deployment(
        undefined,
        'annotations: {{- toYaml .Values.podAnnotations | nindent 4 }}',
      ),
      'templates/env.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-env }\ndata: {{- toYaml .Values.env | nindent 2 }}\n',
    },
    config: {
      'env.DEBUG': 'true',
      'env.ZIP': '!!str 0123',
      'podAnnotations.prometheus\\.io/scrape': 'true',
      'podAnnotations.size': '50',
    },
    failing: {
      config: { replicas: 'many' },
      script: 'config_check',
      message: /^replicas: Deployment: spec\.replicas is of type string/,
    },
  },
  {
    title: 'OCI with credentials',
    name: 'shows',
    files: { 'values.yaml': values, 'templates/web.yaml': deployment() },
    failing: missingImage,
    isServedByRegistry: true,
  },
]

/** Writes the chart below `folder`. → its path */
export function writeChart(folder: string, { name, files }: MatrixChart): string {
  const chart = join(folder, name)
  for (const [path, text] of Object.entries({ 'Chart.yaml': chartYaml(name), ...files })) {
    mkdirSync(dirname(join(chart, path)), { recursive: true })
    writeFileSync(join(chart, path), text)
  }
  return chart
}

/** → the path of the archive */
export function packChart(folder: string, chart: string, helm: string): string {
  execFileSync(helm, ['package', chart, '--destination', folder], { stdio: 'ignore' })
  return `${chart}-1.0.0.tgz`
}
