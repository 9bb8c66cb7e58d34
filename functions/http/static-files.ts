/** The built page and the config it starts with. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { serveStatic } from '@hono/node-server/serve-static'
import type { Handler, MiddlewareHandler } from 'hono'
import type { Services } from '../services.ts'

const distFolder = fileURLToPath(new URL('../../web/dist', import.meta.url))

/** Assets carry a hash in their name and are kept for ever; the page itself is asked for again. */
export function staticFiles(): MiddlewareHandler {
  const files = serveStatic({
    root: distFolder,
    precompressed: true,
    onFound: (path, context) => {
      // The file may be the packed one: main-….js.br.
      const hashed = /-[A-Z0-9]{8}\.\w+(?:\.(?:br|gz))?$/.test(path)
      context.header('Cache-Control', hashed ? 'public, immutable, max-age=31536000' : 'no-cache')
    },
  })
  // A path of the page's own router, such as /deployments/x: the page itself.
  const index = serveStatic({
    root: distFolder,
    path: 'index.html',
    onFound: (_, context) => context.header('Cache-Control', 'no-cache'),
  })
  // Looked up until it is there: a server may be started before `npm run build`.
  let isBuilt = false
  return async (context, next) => {
    isBuilt ||= existsSync(distFolder)
    if (!isBuilt) return context.text('The page is not built: run `npm run build`.', 503)
    const isFile = /\.\w+$/.test(context.req.path)
    const found = await files(context, async () => {})
    if (found instanceof Response) return found
    return isFile || !context.req.header('accept')?.includes('text/html') ? next() : index(context, next)
  }
}

/** What the page needs before it can ask for anything (contract §4). */
export function pageConfig({ settings }: Services): Handler {
  return (context) => {
    const origin = settings.APP_URL[0] ?? originOf(context.req.url, context.req.header('x-forwarded-proto'))
    return context.json(
      {
        app_url: origin,
        ws_url: `${origin.replace(/^http/, 'ws')}/event`,
        app_auth: settings.APP_AUTHORIZATION_HEADER ?? '',
        kubernetes_dashboard_url_template: settings.KUBERNETES_DASHBOARD_URL_TEMPLATE ?? null,
      },
      200,
      { 'Cache-Control': 'no-store' },
    )
  }
}

/** Where the page was asked for; a proxy that ends TLS tells so. */
function originOf(url: string, forwarded: string | undefined): string {
  const { host, protocol } = new URL(url)
  return `${forwarded === 'https' ? 'https:' : protocol}//${host}`
}
