/** The router: URLs of the page and client-side navigation. app.ts draws the page of `route`. */
import { type ReadonlySignal, signal } from '@preact/signals'
import { basePath } from './base-path.ts'
import { keepScrollPositions } from './scroll-position.ts'

/** `output`: id of the action whose output is shown; 0: none. `isEditing`: the form is open above the page. */
export type Route =
  | { page: 'list'; search: string }
  | { page: 'deployment'; name: string; output: number; isEditing: boolean }
  | { page: 'sign-in'; search: string }
  | { page: 'tokens'; search: string }
  | { page: 'device'; search: string }
  | { page: 'doctor' }
  | { page: 'audit'; search: string }
  | { page: 'not-found'; path: string }

export const deploymentPath = (name: string): string => `${basePath}/deployments/${encodeURIComponent(name)}`
/** The form that edits the config, above the page of the deployment. */
export const editPath = (name: string): string => `${deploymentPath(name)}/edit`
export const homePath = `${basePath}/`
export const tokensPath = `${basePath}/tokens`
export const doctorPath = `${basePath}/doctor`
/** The query of a deployment page that shows the output of an action. */
export const outputQuery = (actionId: number): string => `?output=${actionId}`

/** Paths of other programs below the same host are no pages of ours. */
function parseRoute(location: string, search = ''): Route {
  const isBelow = location === basePath || location.startsWith(homePath)
  const path = isBelow ? location.slice(basePath.length) || '/' : ''
  if (path === '/') return { page: 'list', search }
  if (path === '/sign-in') return { page: 'sign-in', search }
  if (path === '/tokens') return { page: 'tokens', search }
  if (path === '/audit') return { page: 'audit', search }
  if (path === '/doctor') return { page: 'doctor' }
  if (path === '/device') return { page: 'device', search }
  const [, name, edit] = /^\/deployments\/([^/]+?)(\/edit)?\/?$/.exec(path) ?? []
  if (name === undefined) return { page: 'not-found', path: location }
  const output = Number(new URLSearchParams(search).get('output'))
  return { page: 'deployment', name: decode(name), output, isEditing: edit !== undefined }
}

export type Router = {
  route: ReadonlySignal<Route>
  navigate(path: string): void
  /** Replaces the query of the current URL without a history entry. */
  replaceSearch(search: string): void
  /** After the form was closed: goes back to the page below it, unless the address is already its. */
  leaveForm(): void
}

/** `confirmLeave` is called before navigation; false cancels it. */
export function createRouter(window: Window, confirmLeave: () => Promise<boolean>): Router {
  const { location, history, document } = window
  const currentPath = () => location.pathname + location.search
  const route = signal(parseRoute(location.pathname, location.search))
  let shownPath = currentPath()
  const scrollPositions = keepScrollPositions(window)

  const applyLocation = () => {
    const pageChanged = pageOf(shownPath) !== pageOf(location.pathname)
    shownPath = currentPath()
    route.value = parseRoute(location.pathname, location.search)
    if (!pageChanged) return
    scrollPositions.restore()
    // Keyboard users and screen readers continue at the start of the new page.
    document.getElementById('content')?.focus({ preventScroll: true })
  }
  /** The form is left by going back only when it was opened on this page. */
  const isAboveHere = (path: string) =>
    path.endsWith(editSuffix) && pageOf(path) === pageOf(location.pathname)
  const navigate = async (path: string) => {
    if (!(await confirmLeave())) return
    history.pushState({ isAbove: isAboveHere(path) }, '', path)
    applyLocation()
  }

  window.addEventListener('popstate', async () => {
    if (await confirmLeave()) applyLocation()
    else history.pushState({ isAbove: isAboveHere(shownPath) }, '', shownPath)
  })
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const anchor = event.target instanceof Element ? event.target.closest('a') : null
    if (anchor === null || anchor.target !== '' || anchor.origin !== location.origin || anchor.hash !== '')
      return
    if (parseRoute(anchor.pathname).page === 'not-found') return
    event.preventDefault()
    void navigate(anchor.pathname + anchor.search)
  })
  return {
    route,
    navigate: (path) => void navigate(path),
    replaceSearch: (search) => {
      history.replaceState(history.state, '', location.pathname + search)
      shownPath = currentPath()
    },
    leaveForm: () => {
      if (!location.pathname.endsWith(editSuffix)) return
      if (history.state?.isAbove) return history.back()
      history.replaceState(null, '', pageOf(location.pathname))
      applyLocation()
    },
  }
}

const editSuffix = '/edit'
/** The path without its query and without the form. */
const pageOf = (path: string): string => {
  const [page = ''] = path.split(/[?#]/)
  return page.endsWith(editSuffix) ? page.slice(0, -editSuffix.length) : page
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
