/** The Dockerfiles contain everything that the programs import, with the same versions as the tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { files, importsOf, read } from '../architecture/repository.ts'

const dockerfiles = {
  'Dockerfile.server': ['functions/server.ts', 'db/migrate.ts'],
  'Dockerfile.runner': ['runner/main.ts', 'db/migrate.ts', 'infra/control-scripts/lint/main.ts'],
}
const manifest = JSON.parse(read('package.json'))

/** A file and all its direct and indirect imports. */
function closure(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found
  found.add(path)
  for (const { kind, to, typeOnly } of importsOf(path)) if (kind === 'file' && !typeOnly) closure(to, found)
  return found
}

test('Every file that a program imports is copied into its image', () => {
  for (const [dockerfile, programs] of Object.entries(dockerfiles)) {
    const copied = [...read(dockerfile).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    )
    for (const path of programs.flatMap((program) => [...closure(program)]))
      assert.ok(
        copied.some((source) => path === source || path.startsWith(`${source}/`)),
        `${dockerfile}: ${path}`,
      )
  }
})

test('Every way to start a runner passes the options that save memory', () => {
  const starts = [manifest.scripts.runner, read('Dockerfile.runner'), read('infra/dev/start.ts')]
  for (const text of starts)
    for (const flag of ['--max-semi-space-size=4', '--expose-gc']) assert.ok(text.includes(flag), flag)
})

test('Every copied path is in the build context', () => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  for (const dockerfile of Object.keys(dockerfiles))
    for (const [, paths = ''] of read(dockerfile).matchAll(/^COPY (?!--from)(.+) \S+$/gm))
      for (const path of paths.split(' ')) {
        assert.ok(
          allowed.some((folder) => path === folder || path.startsWith(`${folder}/`)),
          `${dockerfile}: ${path}`,
        )
        assert.ok(
          files().some((file) => file === path || file.startsWith(`${path}/`)),
          path,
        )
      }
})

test('Every base image has an exact version, and Node has the version of the repository', () => {
  for (const dockerfile of Object.keys(dockerfiles)) {
    const text = read(dockerfile)
    const bases = [...text.matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, image = '']) => image)
    assert.ok(bases.length > 0)
    for (const image of bases) assert.match(image, /:v?\d+\.\d+\.\d+(-\w+)*$/)
    assert.ok(text.includes(`node:${manifest.devDependencies.node}-`), dockerfile)
    const stages = new Set([...text.matchAll(/ AS (\S+)$/gm)].map(([, stage]) => stage))
    for (const [, base = ''] of text.matchAll(/^FROM (\S+)/gm))
      assert.ok(/^\$\{\w+_IMAGE\}$/.test(base) || stages.has(base), `${dockerfile}: FROM ${base}`)
  }
})

test('helm and kubectl have the versions of the Kubernetes tests', () => {
  const modules = read('infra/test-cluster/tools/go.mod')
  const versionOf = (module: string) => new RegExp(`^\\s*${module} v(\\S+)`, 'm').exec(modules)?.[1]
  const text = read('Dockerfile.runner')
  assert.ok(text.includes(`/helm:${versionOf('helm.sh/helm/v4')}\n`))
  assert.ok(text.includes(`/kubectl:v${versionOf('k8s.io/kubernetes')}\n`))
})

test('The chart has the version of the programs, and its probes use existing files and paths', () => {
  const chart = parse(read('infra/chart/Chart.yaml'))
  assert.equal(chart.appVersion, manifest.version)
  assert.equal(chart.version, manifest.version)
  const paths = new Set(files())
  for (const template of files('infra/chart/templates'))
    for (const [, command = ''] of read(template).matchAll(/command: \[((?:sh|node), [^\]]+\.(?:sh|ts))\]/g))
      assert.ok(paths.has(command.split(', ').at(-1) ?? ''), command)
  const server = read('functions/app.ts')
  for (const path of ['/healthz', '/readyz']) {
    assert.ok(read('infra/chart/templates/server.yaml').includes(`path: ${path}`))
    assert.ok(server.includes(`'${path}'`))
  }
})
