/** The frame of every screen: the head with the badge, the page of the present address, and what lies over it. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { Component, VNode } from 'preact'
import { DeploymentForm } from './forms/deployment-form.ts'
import { DeploymentPage } from './pages/deployment.ts'
import { ListPage } from './pages/list.ts'
import { Nowhere } from './pages/nowhere.ts'
import { ShortcutTable } from './pages/shortcut-table.ts'
import { SignIn } from './pages/sign-in.ts'
import { YourName } from './pages/your-name.ts'
import { NoticeList } from './parts/notices.ts'
import { ProblemBox } from './parts/problem.ts'
import { QuestionBox } from './parts/question.ts'
import { TopBar } from './parts/top-bar.ts'
import { Problem } from './problem.ts'
import type { Route } from './routes.ts'
import { useWorld } from './world.ts'

export function App(): VNode {
  return html`<a class="skip" href="#content">Skip to content</a>
    <${TopBar} />
    <div id="content" tabindex="-1"><${Guarded} /></div>
    <${OverPage} />
    <${QuestionBox} />
    <${NoticeList} />`
}

/** A fault of ours must not leave an empty page: it is told, and another address begins anew. */
function Guarded(this: Component): VNode {
  const { router } = useWorld()
  const route = router.route.value
  const fault = useSignal<{ error: unknown; route: Route } | null>(null)
  this.componentDidCatch = (error: unknown) => {
    fault.value = { error, route }
  }
  if (fault.value?.route !== route) return html`<${Page} />`
  const words = 'Load the page again; if it stays so, report it.'
  const problem = new Problem(String(fault.value.error), 0, null, words)
  return html`<main class="narrow">
    <${ProblemBox} title="The page has a fault" problem=${problem} again=${() => location.reload()} />
  </main>`
}

function Page(): VNode {
  const { router } = useWorld()
  const route = router.route.value
  if (route.page === 'list') return html`<${ListPage} key="list" search=${route.search} />`
  if (route.page === 'deployment') return html`<${DeploymentPage} key=${route.name} name=${route.name} />`
  return html`<${Nowhere} title="There is nothing here" text=${`${route.path} is not an address of this page.`} />`
}

function OverPage(): VNode | null {
  const panel = useWorld().panel.value
  if (panel === null) return null
  if (panel.panel === 'sign-in') return html`<${SignIn} />`
  if (panel.panel === 'name') return html`<${YourName} />`
  if (panel.panel === 'shortcuts') return html`<${ShortcutTable} />`
  return html`<${DeploymentForm} name=${panel.panel === 'edit' ? panel.name : null} />`
}
