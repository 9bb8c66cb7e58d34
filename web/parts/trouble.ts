/** What could not be loaded: in place of it, or above what is known from before. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Problem } from '../problem.ts'
import { useWorld } from '../world.ts'
import { ProblemBox } from './problem.ts'

type Props = { problem: Problem; title: string; again: () => void }

/** Nothing is there to be shown. Where a credential is missing, it can be given. */
export function Missing({ problem, title, again }: Props): VNode {
  const { panel } = useWorld()
  const signIn = () => {
    panel.value = { panel: 'sign-in' }
  }
  return html`<${ProblemBox} title=${title} problem=${problem} again=${again} signIn=${problem.status === 401 ? signIn : undefined} />`
}

/** Something is there, and may be old. */
export function Stale({ problem }: { problem: Problem | null }): VNode | null {
  if (problem === null) return null
  return html`<p class="warning" role="status">What you see may be old. ${problem.message} ${problem.remedy}</p>`
}
