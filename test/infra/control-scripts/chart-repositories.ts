/**
 * A private chart repository and a private OCI registry on loopback, which record their requests. Used by helm.test.ts.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { helm } from './control-scripts.ts'

export const user = 'reader'
export const password = 'p{a}ss, "w0rd"'

export type ServedRepository = {
  url: string
  host: string
  requests: string[]
  unauthorised: number
  stop(): Promise<void>
}

const values = `image:
  tag: '1'
  repository: nginx
replicas: 2
resources: {}
hosts:
  - name: a
    paths: [/]
list: []
annotations:
  example.org/team: x
deep: {er: {and: {deeper: true}}}
none: null
`

/** Packs the chart `shows` with this version. → the path of the archive */
export function packChart(folder: string, version: string): string {
  const chart = join(folder, `source-${version}/shows`)
  mkdirSync(join(chart, 'templates'), { recursive: true })
  writeFileSync(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: shows\nversion: ${version}\n`)
  writeFileSync(join(chart, 'values.yaml'), `version: '${version}'\n${values}`)
  writeFileSync(join(chart, 'templates/x.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n')
  helm('package', chart, '--destination', folder)
  return join(folder, `shows-${version}.tgz`)
}

/** An HTTP repository of the archives in `folder`. It creates the index again for each request of it. */
export function serveRepository(folder: string, isOpen = false): Promise<ServedRepository> {
  return serve(isOpen, (request, response) => {
    const name = request.url?.slice(1) ?? ''
    if (name === 'index.yaml') helm('repo', 'index', folder)
    if (!['index.yaml', ...readdirSync(folder)].includes(name)) return response.writeHead(404).end()
    return response.end(readFileSync(join(folder, name)))
  })
}

/** An OCI registry that contains the archive as charts/shows. */
export function serveRegistry(archive: string, version: string): Promise<ServedRepository> {
  const layer = readFileSync(archive)
  const config = Buffer.from(JSON.stringify({ name: 'shows', version, apiVersion: 'v2' }))
  const described = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: described('application/vnd.cncf.helm.config.v1+json', config),
      layers: [described('application/vnd.cncf.helm.chart.content.v1.tar+gzip', layer)],
    }),
  )
  return serve(false, (request, response) => {
    const path = request.url ?? ''
    const blob = [layer, config].find((bytes) => path === `/v2/charts/shows/blobs/${digestOf(bytes)}`)
    const isManifest = [version, digestOf(manifest)].some(
      (name) => path === `/v2/charts/shows/manifests/${name}`,
    )
    if (path.startsWith('/v2/charts/shows/tags/list'))
      return response.end(JSON.stringify({ name: 'charts/shows', tags: [version] }))
    const bytes = isManifest ? manifest : blob
    if (bytes === undefined) return response.writeHead(path === '/v2/' ? 200 : 404).end()
    response.setHeader('Docker-Content-Digest', digestOf(bytes))
    response.setHeader('Content-Length', bytes.length)
    response.setHeader(
      'Content-Type',
      isManifest ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream',
    )
    return response.end(request.method === 'HEAD' ? undefined : bytes)
  })
}

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

async function serve(
  isOpen: boolean,
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<ServedRepository> {
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const served = { requests: [] as string[], unauthorised: 0 }
  const server = createServer((request, response) => {
    served.requests.push(`${request.url}${request.headers.authorization ? ' with credentials' : ''}`)
    if (isOpen || request.headers.authorization === expected) return answer(request, response)
    served.unauthorised += 1
    return response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="charts"' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(served, {
    host,
    url: `http://${host}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
