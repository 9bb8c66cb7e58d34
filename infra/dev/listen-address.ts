/** Where the server of `npm start` listens, by which address people reach it, and whether it answers there. */
import { lookup } from 'node:dns/promises'
import { portError } from '../../lib/node/ports.ts'
import { UserError } from './user-error.ts'

export type ListenAddress = { host: string; port: number; url: string }

/** Only this machine reaches it unless HOST says otherwise: here everybody may use it, and scripts run. */
const defaultHost = '127.0.0.1'

/** From PORT and HOST. @throws Problem when they make no sense or are taken. */
export async function chooseListenAddress(userEnvironment: NodeJS.ProcessEnv): Promise<ListenAddress> {
  const host = userEnvironment.HOST || defaultHost
  const port = Number(userEnvironment.PORT || 8080)
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new UserError(`PORT is "${userEnvironment.PORT}": it must be a number from 1 to 65535.`)
  const error = await portError(port, host)
  if (error === 'EADDRINUSE') {
    throw new UserError(
      `Port ${port} is in use by another program: choose another one, e.g. PORT=${port + 1} npm start.`,
    )
  }
  if (error !== null)
    throw new UserError(`Port ${port} on ${host} cannot be used (${error}): choose another PORT or HOST.`)
  return { host, port, url: `http://${await hostForUrl(host)}:${port}` }
}

/** localhost, unless it leads elsewhere than where the server listens. */
async function hostForUrl(host: string): Promise<string> {
  if (['0.0.0.0', '::', '*'].includes(host)) return 'localhost'
  const localhost = await lookup('localhost', { all: true }).catch(() => [])
  if (localhost.some(({ address }) => address === host)) return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Whether /readyz answers 200. */
export async function isServerReady({ url }: ListenAddress): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
    await answer.body?.cancel()
    return answer.status === 200
  } catch {
    return false
  }
}
