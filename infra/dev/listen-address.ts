/** Chooses the address on which the server of `npm start` listens, and its URL for people. Called by start-all.ts. */
import { lookup } from 'node:dns/promises'
import { portError } from '../../lib/node/ports.ts'
import { UserError } from './user-error.ts'

export type ListenAddress = { host: string; port: number; url: string }

/** Without HOST only this machine can connect, because the page needs no sign-in and runs scripts. */
const defaultHost = '127.0.0.1'

/** Reads PORT and HOST. @throws UserError when they are invalid or the port is in use */
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

/** localhost if it resolves to the host, else the host itself. */
async function hostForUrl(host: string): Promise<string> {
  if (['0.0.0.0', '::', '*'].includes(host)) return 'localhost'
  const localhost = await lookup('localhost', { all: true }).catch(() => [])
  if (localhost.some(({ address }) => address === host)) return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

/** Whether /readyz returns 200. */
export async function isServerReady({ url }: ListenAddress): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false
  }
}
