/**
 * A task of many clients without a valid credential: each posts the largest body that is read, always another one, and
 * sends the next as soon as it has an answer. The bodies share all bytes but their first, so that making them costs
 * the machine nothing.
 */
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { Tasks } from './tasks.ts'

const bodyBytes = 900_000
/** One value, and one argument of a script, is not larger. */
const valueLength = 90_000
/** After an error of the connection, as a refused one. */
const errorPauseMs = 100

/** All values but the first one, and the end of the body. */
const rest = Buffer.from(
  `${Array.from({ length: bodyBytes / valueLength }, (_, at) => `,["key-${at}","${'x'.repeat(valueLength)}"]`).join('')}]`,
)

export async function strangers({
  origin,
  clients,
  addresses,
  ms,
}: Tasks['strangers']['in']): Promise<Tasks['strangers']['out']> {
  const agents = addresses.map((localAddress) => new Agent({ keepAlive: true, localAddress }))
  const answers: Record<string, number> = {}
  const until = performance.now() + ms
  let sent = 0
  const client = async (index: number) => {
    const agent = agents[index % agents.length] as Agent
    while (performance.now() < until) {
      sent += 1
      // Half of them guess a credential, always another one.
      const guess = sent % 2 === 0 ? { Authorization: `Basic guess-${sent}` } : {}
      const answer = await post(origin, agent, `[["build","${sent}"]`, guess)
      answers[answer] = (answers[answer] ?? 0) + 1
      if (Number.isNaN(Number(answer))) await pause(errorPauseMs)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)))
  for (const agent of agents) agent.destroy()
  return { answers }
}

/** Resolves with the status of the answer, or with the code of an error. */
function post(origin: string, agent: Agent, start: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve) => {
    const sending = request(`${origin}/api/v1/application_overrides`, {
      method: 'POST',
      agent,
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': start.length + rest.length,
        ...headers,
      },
    })
    sending.on('response', (response: IncomingMessage) => {
      response.resume()
      response.once('end', () => resolve(String(response.statusCode)))
      response.once('error', () => resolve(String(response.statusCode)))
    })
    sending.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    sending.write(start)
    sending.end(rest)
  })
}
