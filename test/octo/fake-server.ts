/**
 * A fake server for the tests of octo: sends the response that a test defines for a method and path, and records the
 * requests. Also starts octo as a process. Used by the tests of octo and of the CI recipes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { waitFor } from '../helpers/wait-for.ts'

export type RecordedRequest = {
  method: string
  path: string
  query: string
  headers: IncomingHttpHeaders
  body: unknown
}
/** `body`: a string is sent unchanged, everything else as JSON. */
export type FakeResponse = {
  status?: number
  type?: string
  headers?: Record<string, string>
  body?: unknown
}
export type Routes = Record<
  string,
  FakeResponse | ((request: RecordedRequest) => FakeResponse | Promise<FakeResponse>)
>
export type FakeServer = { url: string; requests: RecordedRequest[] }
export type CommandResult = { code: number; stdout: string; stderr: string }

export const success: FakeResponse = { body: { tag: 'Success' } }

/** Listens on a free port of the loopback interface until the test ends. */
export async function fakeServer(test: TestContext, routes: Routes): Promise<FakeServer> {
  const requests: RecordedRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const [urlPath = '', query = ''] = (request.url ?? '').split('?')
    const recorded: RecordedRequest = {
      method: request.method ?? '',
      path: urlPath,
      query,
      headers: request.headers,
      body: text === '' ? null : JSON.parse(text),
    }
    requests.push(recorded)
    const route = routes[`${recorded.method} ${recorded.path}`] ?? {
      status: 404,
      body: { tag: 'AppError', error_message: `Nothing is at ${recorded.path}.`, code: 'not_found' },
    }
    const fakeResponse = typeof route === 'function' ? await route(recorded) : route
    const isText = typeof fakeResponse.body === 'string'
    response.writeHead(fakeResponse.status ?? 200, {
      'octopod-version': '2.0',
      'content-type': fakeResponse.type ?? (isText ? 'text/plain;charset=utf-8' : 'application/json'),
      ...fakeResponse.headers,
    })
    response.end(isText ? fakeResponse.body : JSON.stringify(fakeResponse.body))
  })
  // On a busy machine octo may need longer between two requests than the default of 5 s.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/**
 * The octo under test: the file that OCTO_UNDER_TEST names, an executable or a script for Node. Without it, setup.ts has
 * built the package that people install.
 */
const octoPath = path.resolve(process.env.OCTO_UNDER_TEST ?? missingOcto())
/** Whether it is the executable, which has a runtime of its own. */
export const isExecutable = !/\.[cm]?[jt]s$/.test(octoPath)
/** The program and its first arguments. */
export const octoCommand: readonly [string, ...string[]] = isExecutable
  ? [octoPath]
  : [process.execPath, octoPath]

function missingOcto(): never {
  throw new Error('OCTO_UNDER_TEST is not set: run npm test -- FILE, which builds octo.')
}

/** Runs octo as a process with only the given environment. */
export function runOcto(environment: Record<string, string>, ...args: string[]): Promise<CommandResult> {
  const started = startOcto(environment, ...args)
  started.child.stdin?.end()
  return started.ended
}

export type RunningOcto = {
  child: ChildProcess
  ended: Promise<CommandResult>
  /** Waits until the output so far fulfills the condition. */
  waitUntil(done: (written: CommandResult) => boolean): Promise<CommandResult>
}

/** The same without waiting for its end; killed after 60 s. */
export function startOcto(environment: Record<string, string>, ...args: string[]): RunningOcto {
  const baseEnvironment = {
    PATH: process.env.PATH,
    // Halves the time of every start but the first. It is removed with the package.
    NODE_COMPILE_CACHE: `${path.dirname(octoPath)}.compiled`,
    // Temporary failures fail at once, unless a test sets OCTO_RETRIES.
    OCTO_RETRIES: '0',
    // Ignores the contexts of the developer.
    XDG_CONFIG_HOME: '/nonexistent',
  }
  const [program, ...programArgs] = octoCommand
  const child = spawn(program, [...programArgs, ...args], {
    env: { ...baseEnvironment, ...environment },
    timeout: 60_000,
  })
  const written: CommandResult = { code: -1, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    written.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    written.stderr += text
  })
  child.stdin.on('error', () => {})
  const ended = new Promise<CommandResult>((resolve) => {
    child.once('close', (code) => resolve({ ...written, code: code ?? 255 }))
  })
  return {
    child,
    ended,
    waitUntil: (done) =>
      waitFor(
        `octo ${args.join(' ')}`,
        async () => ({ done: done(written), value: written, seen: written }),
        60_000,
      ),
  }
}
