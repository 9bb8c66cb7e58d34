/**
 * The path below which people reach the page and the API, as `/octopod` with APP_URL=https://example.com/octopod. One proxy passes
 * it on and another removes it, so a request is answered with it and without it. Used by app.ts, the websocket and whatever
 * makes an address of the page.
 */
import { getPath } from 'hono/utils/url'
import type { ServerSettings } from '../../domain/settings.ts'

/** Without a slash at its end; '' without a path. All addresses of APP_URL have the same one. */
export const basePathOf = ({ APP_URL: [url] }: Pick<ServerSettings, 'APP_URL'>): string =>
  url === undefined ? '' : new URL(url).pathname.replace(/\/$/, '')

/** `path`: begins with a slash. */
export const removeBasePath = (path: string, basePath: string): string =>
  path === basePath || path.startsWith(`${basePath}/`) ? path.slice(basePath.length) || '/' : path

/** For `getPath` of Hono: routes do not contain the base path. */
export const createPathReader = (basePath: string) => (request: Request) =>
  removeBasePath(getPath(request), basePath)
