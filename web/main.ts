/** Starts the page: asks for /config.json, opens the world, draws the app. The entry of the bundle. */
import { html } from 'htm/preact'
import { render, type VNode } from 'preact'
import { App } from './app.ts'
import { fetchConfig } from './config.ts'
import { ProblemBox } from './parts/problem.ts'
import { problemOfError } from './problem.ts'
import { listenForKeys } from './shortcuts.ts'
import { openWorld, type World, WorldProvider } from './world.ts'

const root = document.getElementById('app')
if (root !== null) void start(root)

async function start(place: HTMLElement): Promise<void> {
  try {
    const world = openWorld(window, await fetchConfig())
    wakeWithTheMachine(world)
    listenForKeys(world, document)
    draw(place, html`<${WorldProvider} value=${world}><${App} /><//>`)
  } catch (error) {
    const again = () => void start(place)
    draw(
      place,
      html`<main class="narrow">
        <${ProblemBox} title="Octopod could not start" problem=${problemOfError(error)} again=${again} />
      </main>`,
    )
  }
}

/** What stands in index.html until now goes. */
function draw(place: HTMLElement, tree: VNode): void {
  if (place.firstElementChild?.className === 'starting') place.replaceChildren()
  render(tree, place)
}

/** After sleep or a lost network nobody wants to wait for a time-out. */
function wakeWithTheMachine({ live }: World): void {
  window.addEventListener('online', live.wake)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live.wake()
  })
}
