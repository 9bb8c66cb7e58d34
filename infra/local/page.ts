/** Where the server of `npm start` listens, by which address people reach it, and whether it answers there. */
import { lookup } from 'node:dns/promises'
import { portProblem } from './port.ts'
import { Problem } from './problem.ts'

export type Page = { host: string; port: number; url: string }

/** Only this machine reaches it unless HOST says otherwise: here everybody may use it, and scripts run. */
const defaultHost = '127.0.0.1'

/** From PORT and HOST. @throws Problem when they make no sense or are taken. */
export async function choosePage(user: NodeJS.ProcessEnv): Promise<Page> {
  const host = user.HOST || defaultHost
  const port = Number(user.PORT || 8080)
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Problem(`PORT is "${user.PORT}": it must be a number from 1 to 65535.`)
  const problem = await portProblem(port, host)
  if (problem === 'EADDRINUSE') {
    throw new Problem(
      `Port ${port} is in use by another program: choose another one, e.g. PORT=${port + 1} npm start.`,
    )
  }
  if (problem !== null)
    throw new Problem(`Port ${port} on ${host} cannot be used (${problem}): choose another PORT or HOST.`)
  return { host, port, url: `http://${await nameOf(host)}:${port}` }
}

/** localhost, unless it leads elsewhere than where the server listens. */
async function nameOf(host: string): Promise<string> {
  if (['0.0.0.0', '::', '*'].includes(host)) return 'localhost'
  const localhost = await lookup('localhost', { all: true }).catch(() => [])
  if (localhost.some(({ address }) => address === host)) return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Whether /readyz answers 200. */
export async function isReady({ url }: Page): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
    await answer.body?.cancel()
    return answer.status === 200
  } catch {
    return false
  }
}
