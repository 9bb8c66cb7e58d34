/** Everything the page's parts share, opened once by main.ts and given to them by context. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { type Client, createClient } from './api.ts'
import { type Clock, createClock } from './clock.ts'
import type { PageConfig } from './config.ts'
import { type Live, openLive } from './live.ts'
import { createNotices, type Notices } from './notices.ts'
import { createQuestions, type Questions } from './questions.ts'
import { openRouter, type Router } from './routes.ts'
import { openSession, type Session, whoAmI } from './session.ts'
import { connectTo } from './socket.ts'
import { createStore, type Store } from './store.ts'
import { createSync, type Sync } from './sync.ts'

/** What lies over the page: nothing, the form, a box. */
export type Panel =
  | { panel: 'new' }
  | { panel: 'edit'; name: string }
  | { panel: 'sign-in' }
  | { panel: 'name' }
  | { panel: 'shortcuts' }
  | null

export type World = {
  config: PageConfig
  session: Session
  client: Client
  store: Store
  sync: Sync
  live: Live
  clock: Clock
  router: Router
  questions: Questions
  notices: Notices
  panel: Signal<Panel>
  /** Whether a form holds something that would be lost. */
  unsaved: Signal<boolean>
  /** True: nothing would be lost, or the person gives it up. */
  mayLeave(): Promise<boolean>
  projectName: ReadonlySignal<string>
}

export function openWorld(window: Window, config: PageConfig): World {
  const clock = createClock()
  const session = openSession(window, config.app_auth)
  const client = createClient(
    () => session.authorization.peek(),
    (response) => clock.learn(response.headers.get('date')),
    () => (session.told.value === null ? session.actor.value : ''),
    session.relearn,
  )
  const store = createStore()
  const sync = createSync(client, store)
  const questions = createQuestions()
  const panel = signal<Panel>(null)
  const unsaved = signal(false)
  const mayLeave = async () => {
    const given = !unsaved.peek() || (await questions.ask(giveUp))
    if (given) {
      unsaved.value = false
      panel.value = null
    }
    return given
  }
  const live = openLive({
    connect: () => connectTo(window.location, session.authorization.peek()),
    apply: store.apply,
    refresh: sync.refresh,
  })
  const projectName = signal('')
  const learnName = () =>
    whoAmI(client, session).then(
      ({ project }) => (projectName.value = project),
      () => {},
    )
  void learnName()
  // Another credential may see what the last one could not.
  let before = session.authorization.peek()
  session.authorization.subscribe((now) => {
    if (now === before) return
    before = now
    live.renew()
    void learnName()
  })
  void sync.refresh()
  const router = openRouter(window, mayLeave)
  const notices = createNotices()
  return {
    config,
    session,
    client,
    store,
    sync,
    live,
    clock,
    router,
    questions,
    notices,
    panel,
    unsaved,
    mayLeave,
    projectName,
  }
}

const giveUp = {
  title: 'Leave without saving?',
  text: 'What you changed in this form has not been sent.',
  yes: 'Discard changes',
  no: 'Keep editing',
  danger: true,
}

const WorldContext = createContext<World | null>(null)
export const WorldProvider = WorldContext.Provider

export const useWorld = (): World => useContext(WorldContext) as World
