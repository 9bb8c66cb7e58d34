/**
 * A private chart repository on loopback with the sample chart. It requires the credentials below. Used by
 * deployment-lifecycle.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { helm } from './cluster.ts'

export const credentials = { user: 'octopod', password: 'pass, w{rd}' }

export type ChartRepository = { url: string; requests: string[]; stop(): Promise<void> }

export async function serveSampleChart(): Promise<ChartRepository> {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-charts-'))
  await helm('package', join(import.meta.dirname, 'sample-chart'), '--destination', folder)
  await helm('repo', 'index', folder)
  const requests: string[] = []
  const expected = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`
  const server = createServer(async (request, response) => {
    const name = (request.url ?? '').slice(1)
    requests.push(name)
    if (request.headers.authorization !== expected) return response.writeHead(401).end()
    if (!/^(index\.yaml|[\w.-]+\.tgz)$/.test(name)) return response.writeHead(404).end()
    return response.end(await readFile(join(folder, name)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
