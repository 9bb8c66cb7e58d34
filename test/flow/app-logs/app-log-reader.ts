/** Reads app logs as a client does. */
import type { AppLogEvents } from '../../../domain/output/app-log-events.ts'
import { adminHeaders } from '../../helpers/api-client.ts'
import { findScriptProcesses } from '../../helpers/find-processes.ts'
import { openEventStream, type ServerSentEvent } from '../../helpers/sse-client.ts'
import { waitFor } from '../../helpers/wait-for.ts'

export type AppLogStream = Awaited<ReturnType<typeof openEventStream>>

export const openAppLogs = (
  url: string,
  name: string,
  headers: Record<string, string> = {},
  query = '',
): Promise<AppLogStream> => openAnonymously(url, name, query, { ...adminHeaders, ...headers })

/** Tries again while no place is free: the place of an ended script is taken until its last lines are written. */
export const openAnonymously = (
  url: string,
  name: string,
  query = '',
  headers: Record<string, string> = {},
): Promise<AppLogStream> =>
  waitFor('a place is free', async () => {
    try {
      const stream = await openEventStream(`${url}/api/v1/deployments/${name}/app_logs?${query}`, headers)
      return { done: true, value: stream }
    } catch (error) {
      if (!String(error).includes('app_logs_busy')) throw error
      return { done: false, value: null as never, seen: String(error) }
    }
  })

/** The next event with a line. */
export async function lineOf(stream: AppLogStream): Promise<ServerSentEvent> {
  for (;;) {
    const event = await stream.next()
    if (event.event === 'line') return event
    if (event.event === 'end') throw new Error(`ended: ${event.data}`)
  }
}

export const readLine = async (stream: AppLogStream): Promise<string> =>
  (JSON.parse((await lineOf(stream)).data) as AppLogEvents['line']).text

/** Skips the lines before the end. */
export async function readEnd(stream: AppLogStream): Promise<AppLogEvents['end']> {
  for (;;) {
    const { event, data } = await stream.next()
    if (event === 'end') return JSON.parse(data)
  }
}

export const waitForNoScript = (name: string): Promise<null> =>
  waitFor(
    `no script of ${name} runs`,
    async () => {
      const pids = findScriptProcesses(name)
      return { done: pids.length === 0, value: null, seen: pids }
    },
    30_000,
  )
