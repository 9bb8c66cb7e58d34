/** Serves the built page, and /config.json, which the page reads first. Used by app.ts. */
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveStatic } from '@hono/node-server/serve-static'
import type { Context, Handler, MiddlewareHandler } from 'hono'
import type { ServerSettings } from '../../domain/settings.ts'
import { type RawRequest, rawRequestOf } from '../access/sender.ts'
import type { Services } from '../services.ts'

const distFolder = fileURLToPath(new URL('../../web/dist', import.meta.url))
const indexFile = join(distFolder, 'index.html')

/**
 * Assets have a hash in their name and are cached for a year; index.html is revalidated each time. `basePath`: the path of APP_URL,
 * which index.html tells the page.
 */
export function staticFiles(basePath: string): MiddlewareHandler {
  const files = serveStatic({
    root: distFolder,
    precompressed: true,
    onFound: (path, context) => {
      // The file may be a compressed one, such as main-….js.br.
      const hashed = /-[A-Z0-9]{8}\.\w+(?:\.(?:br|gz))?$/.test(path)
      context.header('Cache-Control', hashed ? 'public, immutable, max-age=31536000' : 'no-cache')
    },
  })
  // A path of the client-side router, such as /deployments/x, gets index.html.
  const index = serveStatic({
    root: distFolder,
    path: 'index.html',
    onFound: (_, context) => context.header('Cache-Control', 'no-cache'),
  })
  const indexBelow = createIndexBelow(basePath)
  // Checked until it exists: a server may be started before `npm run build`, which writes index.html last.
  let isBuilt = false
  return async (context, next) => {
    isBuilt ||= existsSync(indexFile)
    if (!isBuilt) return context.text('The page is not built: run `npm run build`.', 503)
    const { path } = context.req
    const isFile = /\.\w+$/.test(path)
    const isIndex = basePath !== '' && (path === '/' || path === '/index.html')
    const found = isIndex ? undefined : await files(context, async () => {})
    if (found instanceof Response) return found
    if (!isIndex && (isFile || !context.req.header('accept')?.includes('text/html'))) return next()
    return basePath === '' ? index(context, next) : indexBelow(context)
  }
}

/** index.html with the base path in its addresses. It is read again when a build has replaced it. */
function createIndexBelow(basePath: string): (context: Context) => Promise<Response> {
  let known = { mtimeMs: 0, html: '' }
  return async (context) => {
    const { mtimeMs } = await stat(indexFile)
    if (mtimeMs !== known.mtimeMs) {
      const html = (await readFile(indexFile, 'utf8'))
        .replaceAll(/((?:href|src|data-icon|data-failing-icon)=")\//g, `$1${basePath}/`)
        .replace('data-base-path=""', `data-base-path="${basePath}"`)
      known = { mtimeMs, html }
    }
    return context.html(known.html, 200, { 'Cache-Control': 'no-cache' })
  }
}

/** Whether /config.json gives the credential of users to everyone who can read it. */
export const givesCredential = (
  settings: Pick<
    ServerSettings,
    | 'APP_AUTHORIZATION_HEADER'
    | 'CONFIG_JSON_CREDENTIAL'
    | 'SHARED_CREDENTIALS'
    | 'OIDC_ISSUER'
    | 'ACTOR_HEADER'
  >,
): boolean =>
  settings.SHARED_CREDENTIALS &&
  settings.APP_AUTHORIZATION_HEADER.length > 0 &&
  (settings.CONFIG_JSON_CREDENTIAL ??
    (settings.OIDC_ISSUER === undefined && settings.ACTOR_HEADER === undefined))

/** The settings that the page needs before its first request (contract §4). */
export function pageConfig({ settings, access: { sender }, auth }: Services): Handler {
  return (context) => {
    const request = rawRequestOf(context)
    const { host, protocol } = new URL(context.req.url)
    const origin =
      settings.APP_URL[0] ??
      `${sender.isHttps(request) ? 'https:' : protocol}//${sender.host(request) ?? host}`
    return context.json(
      {
        app_url: origin,
        ws_url: `${origin.replace(/^http/, 'ws')}/event`,
        app_auth: givesCredential(settings) ? (settings.APP_AUTHORIZATION_HEADER[0] ?? '') : '',
        kubernetes_dashboard_url_template: settings.KUBERNETES_DASHBOARD_URL_TEMPLATE ?? null,
        project_name: settings.PROJECT_NAME,
        sign_in: {
          oidc: settings.OIDC_ISSUER === undefined ? null : settings.OIDC_NAME,
          shared: auth.credentials.exist,
          anonymous: (settings.ANONYMOUS_ROLE ?? 'none') !== 'none',
        },
        name_max_length: settings.NAME_MAX_LENGTH,
        token_max_days: settings.TOKEN_MAX_DAYS,
        has_session: hasSessionCookie(auth, request),
      },
      200,
      { 'Cache-Control': 'no-store' },
    )
  }
}

/** Only whether the browser sends the cookie. The first request of the page finds out whether its session has ended. */
function hasSessionCookie({ cookies }: Services['auth'], request: RawRequest): boolean {
  try {
    return cookies.read(request) !== null
  } catch {
    return false
  }
}
