/**
 * The path below which people reach the page and the API, as `/octopod` with APP_URL=https://example.com/octopod. A proxy passes
 * it on, or removes it (PROXY_PATH). Used by app.ts, the websocket and whatever makes an address of the page.
 */
import type { MiddlewareHandler } from 'hono'
import { getPath } from 'hono/utils/url'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'

type PathSettings = Pick<ServerSettings, 'APP_URL' | 'PROXY_PATH'>

/** Without a slash at its end; '' without a path. All addresses of APP_URL have the same one. */
export const basePathOf = ({ APP_URL: [url] }: Pick<ServerSettings, 'APP_URL'>): string =>
  url === undefined ? '' : new URL(url).pathname.replace(/\/$/, '')

export type PathReader = {
  /** For `getPath` of Hono: routes do not contain the base path. */
  ofRequest(request: Request): string
  /**
   * `path`: begins with a slash, as the server has received it. Only one form is answered: with both, `/octopod/octopod/config.json`
   * would pass a rule of the proxy for `/octopod/config.json`.
   * @throws ApiError not_found when it has the other form
   */
  read(path: string): string
  /** Refuses what has the other form. */
  middleware: MiddlewareHandler
}

export function createPathReader(settings: PathSettings): PathReader {
  const basePath = basePathOf(settings)
  const isRemoved = settings.PROXY_PATH === 'removed'
  const isBelow = (path: string) => path === basePath || path.startsWith(`${basePath}/`)
  const strip = (path: string) =>
    basePath !== '' && !isRemoved && isBelow(path) ? path.slice(basePath.length) || '/' : path
  const read = (path: string) => {
    if (basePath !== '' && isBelow(path) === isRemoved)
      throw new ApiError(
        'not_found',
        isRemoved
          ? `The proxy removes ${basePath} (PROXY_PATH=removed), so no path begins with it here. If it passes the path on, set PROXY_PATH=passed.`
          : `This Octopod is below ${basePath} (APP_URL). If its proxy removes that path, set PROXY_PATH=removed.`,
      )
    return strip(path)
  }
  return {
    ofRequest: (request) => strip(getPath(request)),
    read,
    middleware: (context, next) => {
      read(getPath(context.req.raw))
      return next()
    },
  }
}
