/** The scripts beside actions and checks whose last run failed: info, notifications, config scripts. Nothing without one. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useApp } from '../../app-context.ts'
import { TimeButton } from '../../ui/relative-time.ts'
import type { FailedScript } from '../deployment-resource.ts'
import { FailureBox } from './failure-box.ts'
import { signInRemedy } from './failure-remedies.ts'

export function FailedScripts({ scripts }: { scripts: readonly FailedScript[] }): VNode | null {
  const app = useApp()
  if (scripts.length === 0) return null
  return html`<section class="card failed-scripts" data-tone="warning" aria-label="Failed scripts">
    ${scripts.map(
      ({ failed_at: failedAt, failure }) => html`<${FailureBox}
        key=${failure.script}
        failure=${failure}
        remedies=${failure.remedies.includes('sign_in') ? [signInRemedy(app)] : []}
      > <span class="last-action-note"><${TimeButton} time=${failedAt} /></span></${FailureBox}>`,
    )}
  </section>`
}
