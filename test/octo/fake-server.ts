/**
 * A server for the tests of octo that speaks the recorded wire format of contract §4: answers what a test laid
 * out for a method and path, and keeps what it was asked. Used by all tests beside it.
 */
import { execFile } from 'node:child_process'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'

export type Asked = {
  method: string
  path: string
  query: string
  headers: IncomingHttpHeaders
  body: unknown
}
/** `body`: text is sent as it is, everything else as JSON. */
export type Laid = { status?: number; type?: string; headers?: Record<string, string>; body?: unknown }
export type Routes = Record<string, Laid | ((asked: Asked) => Laid)>
export type Fake = { url: string; asked: Asked[] }
export type Ran = { code: number; stdout: string; stderr: string }

export const success: Laid = { body: { tag: 'Success' } }

/** Starts on a free port of the loopback, ends with the test. */
export async function fakeServer(test: TestContext, routes: Routes): Promise<Fake> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const [where = '', query = ''] = (request.url ?? '').split('?')
    const one: Asked = {
      method: request.method ?? '',
      path: where,
      query,
      headers: request.headers,
      body: text === '' ? null : JSON.parse(text),
    }
    asked.push(one)
    const route = routes[`${one.method} ${one.path}`] ?? {
      status: 404,
      body: { tag: 'AppError', error_message: `Nothing is at ${one.path}.`, code: 'no_such_path' },
    }
    const laid = typeof route === 'function' ? route(one) : route
    const isText = typeof laid.body === 'string'
    response.writeHead(laid.status ?? 200, {
      'content-type': laid.type ?? (isText ? 'text/plain;charset=utf-8' : 'application/json'),
      ...laid.headers,
    })
    response.end(isText ? laid.body : JSON.stringify(laid.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** The octo under test: the sources, or what OCTO_UNDER_TEST names (an executable, or a script for Node). */
const underTest = path.resolve(
  process.env.OCTO_UNDER_TEST ?? path.join(import.meta.dirname, '../../octo/main.ts'),
)
/** Program and first arguments. */
export const octoCommand: readonly [string, ...string[]] = /\.m?[jt]s$/.test(underTest)
  ? [process.execPath, underTest]
  : [underTest]

/** Runs octo as a process with nothing in its environment but what is given. */
export function octo(environment: Record<string, string>, ...args: string[]): Promise<Ran> {
  // The cache takes 40 ms off every start: without it Node strips the types of main.ts each time.
  const always = {
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE: path.join(os.tmpdir(), 'node-compile-cache'),
    // What fails in passing fails at once, but where a test is about that.
    OCTO_RETRIES: '0',
  }
  const options = { env: { ...always, ...environment }, timeout: 20_000, maxBuffer: 64 << 20 }
  const [program, ...before] = octoCommand
  return new Promise((resolve) => {
    execFile(program, [...before, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
      resolve({ code, stdout, stderr })
    })
  })
}
