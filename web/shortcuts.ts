/** What keys do anywhere on the page, and the table of all of them that `?` shows. Opened by main.ts. */
import { act } from './acting.ts'
import { whyNot } from './moves.ts'
import type { World } from './world.ts'

/** Key, as it is written on keyboards, and what it does. */
export const shortcuts = [
  ['n', 'New deployment'],
  ['/', 'Search the list'],
  ['e', 'Edit the config of the deployment you look at'],
  ['?', 'Show this table'],
  ['Esc', 'Close; asks before anything is lost'],
  ['Enter', 'Add a new key, send a form, next match of a search'],
  ['Ctrl + Enter', 'Send the form, from any field'],
  ['Shift + Enter', 'Previous match'],
] as const

export function listenForKeys(world: World, document: Document): void {
  const doings: Record<string, () => void> = {
    n: () => {
      world.panel.value = { panel: 'new' }
    },
    '/': () => document.querySelector<HTMLInputElement>('.search input')?.select(),
    e: () => editShown(world),
    '?': () => {
      world.panel.value = { panel: 'shortcuts' }
    },
  }
  document.addEventListener('keydown', (event) => {
    const { target, key } = event
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    // Where one types, letters are letters; what lies on top is dealt with first.
    if (target instanceof Element && target.closest('input, textarea, select, [role=menu]')) return
    if (document.querySelector('dialog') !== null || doings[key] === undefined) return
    event.preventDefault()
    doings[key]()
  })
}

function editShown(world: World): void {
  const route = world.router.route.peek()
  const info = route.page === 'deployment' ? world.store.rows.get(route.name)?.peek() : undefined
  if (info === undefined) return
  const why = whyNot('update', info, true)
  if (why === null) void act(world, 'update', info)
  else world.notices.say(why)
}
