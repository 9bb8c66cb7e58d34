/** The addresses of the page and moving between them without loading it again. app.ts draws what `route` says. */
import { type ReadonlySignal, signal } from '@preact/signals'

/** `output`: the action whose output is to be seen at once; 0: none. */
export type Route =
  | { page: 'list'; search: string }
  | { page: 'deployment'; name: string; output: number }
  | { page: 'nowhere'; path: string }

export const listPath = '/'
export const deploymentPath = (name: string): string => `/deployments/${encodeURIComponent(name)}`
/** What stands behind the `?` of a deployment's page that shows the output of an action. */
export const outputSearch = (actionId: number): string => `?output=${actionId}`

export function parseRoute(path: string, search = ''): Route {
  if (path === '/') return { page: 'list', search }
  const name = /^\/deployments\/([^/]+)\/?$/.exec(path)?.[1]
  if (name === undefined) return { page: 'nowhere', path }
  const output = Number(new URLSearchParams(search).get('output'))
  return { page: 'deployment', name: decode(name), output }
}

export type Router = {
  route: ReadonlySignal<Route>
  go(path: string): void
  /** Changes what stands behind the `?` of this page, without a step in the history. */
  note(search: string): void
}

/** `mayLeave`: asked before going; false keeps the page where it is. */
export function openRouter(window: Window, mayLeave: () => Promise<boolean>): Router {
  const { location, history, document } = window
  const here = () => location.pathname + location.search
  const route = signal(parseRoute(location.pathname, location.search))
  let shown = here()

  const show = () => {
    const moved = shown.split('?')[0] !== location.pathname
    shown = here()
    route.value = parseRoute(location.pathname, location.search)
    if (!moved) return
    window.scrollTo(0, 0)
    // The keyboard and screen readers go on where the new page begins.
    document.getElementById('content')?.focus({ preventScroll: true })
  }
  const go = async (path: string) => {
    if (!(await mayLeave())) return
    history.pushState(null, '', path)
    show()
  }

  window.addEventListener('popstate', async () => {
    if (await mayLeave()) show()
    else history.pushState(null, '', shown)
  })
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const anchor = event.target instanceof Element ? event.target.closest('a') : null
    if (anchor === null || anchor.target !== '' || anchor.origin !== location.origin || anchor.hash !== '')
      return
    if (parseRoute(anchor.pathname).page === 'nowhere') return
    event.preventDefault()
    void go(anchor.pathname + anchor.search)
  })
  return {
    route,
    go: (path) => void go(path),
    note: (search) => {
      history.replaceState(null, '', location.pathname + search)
      shown = here()
    },
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
