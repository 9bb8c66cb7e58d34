/** The head of a deployment's page: status and its reason, last check, links, what can be done. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { kindOfWire } from '../../domain/action.ts'
import type { FullInfo } from '../../domain/shapes.ts'
import type { LastCheck } from '../following.ts'
import { Ago } from '../parts/ago.ts'
import { Dashboard, Links } from '../parts/links.ts'
import { MoveButtons } from '../parts/moves.ts'
import { StatusMark } from '../parts/status.ts'
import { activeAction, isPutAway, outcome } from '../words.ts'

export function Head({ info, lastCheck }: { info: FullInfo; lastCheck: LastCheck }): VNode {
  const { name } = info.deployment
  const last = activeAction(info) === null ? info.last_action : null
  return html`<header class="head">
    <div class="head-top">
      <h1>${name}</h1>
      <${StatusMark} info=${info} brief />
      <${MoveButtons} info=${info} />
    </div>
    <div class="head-links"><${Links} links=${info.metadata} /><${Dashboard} name=${name} /></div>
    <dl class="facts">
      ${
        last !== null &&
        html`<div>
          <dt>Last action</dt>
          <dd>
            ${kindOfWire(last.action)} by ${last.actor} ${outcome(last)}, <${Ago} at=${last.finished_at ?? last.created_at} />
            ${last.error !== null && html`<span class="fact-words">${last.error}</span>`}
          </dd>
        </div>`
      }
      ${
        !isPutAway(info) &&
        html`<div>
          <dt>Last check</dt>
          <dd>${lastCheck === null ? 'none yet' : html`${checkWords(lastCheck)}, <${Ago} at=${lastCheck.checked_at} />`}</dd>
        </div>`
      }
      <div><dt>Created</dt><dd><${Ago} at=${info.created_at} /></dd></div>
      <div><dt>Changed</dt><dd><${Ago} at=${info.updated_at} /></dd></div>
    </dl>
  </header>`
}

function checkWords({ exit_code, error }: NonNullable<LastCheck>): string {
  if (exit_code === null) return String(error)
  return exit_code === 0 ? 'fine' : `not fine (exit ${exit_code})`
}
