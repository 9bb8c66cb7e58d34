/** The moves of one deployment as menu items and as buttons: both from the same rules. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { FullInfo } from '../../domain/shapes.ts'
import { act } from '../acting.ts'
import { type Move, moveNames, whyNot } from '../moves.ts'
import { deploymentPath, outputSearch } from '../routes.ts'
import { isPutAway } from '../words.ts'
import { useWorld, type World } from '../world.ts'
import { dashboardOf } from './links.ts'
import { Menu, type MenuItem } from './menu.ts'

/** What makes sense at all in this status; the rest would only be noise. */
function movesFor(info: FullInfo, isAdmin: boolean): Move[] {
  const admin: Move[] = isAdmin ? ['cleanup', 'delete'] : []
  return [...(isPutAway(info) ? (['restore'] as const) : (['update', 'archive'] as const)), ...admin]
}

export function moveItems(world: World, info: FullInfo): MenuItem[] {
  const isAdmin = world.session.isAdmin()
  return movesFor(info, isAdmin).map((move) => ({
    text: moveNames[move],
    whyNot: whyNot(move, info, isAdmin),
    danger: move === 'cleanup' || move === 'delete',
    choose: () => void act(world, move, info),
  }))
}

export function MoveMenu({ info }: { info: FullInfo }): VNode {
  const world = useWorld()
  const { name } = info.deployment
  // What cannot be undone stands apart, at the end.
  const items = () =>
    [...moveItems(world, info), ...logItem(world, info), ...dashboardItem(world, name)].sort(
      (a, b) => (a.danger ? 1 : 0) - (b.danger ? 1 : 0),
    )
  return html`<${Menu} label=${`Actions for ${name}`} items=${items} />`
}

/** The output of what was done last; that of the rest is below it. */
function logItem({ session, router }: World, { deployment: { name }, last_action }: FullInfo): MenuItem[] {
  if (last_action === null || !session.isAdmin()) return []
  const choose = () => router.go(deploymentPath(name) + outputSearch(last_action.action_id))
  return [{ text: 'Logs', whyNot: null, choose }]
}

function dashboardItem(world: World, name: string): MenuItem[] {
  const href = dashboardOf(world, name)
  return href === null ? [] : [{ text: 'Dashboard', whyNot: null, href, choose() {} }]
}

/** Buttons stay where they are; one that cannot be used says why beside it, to everybody. */
export function MoveButtons({ info }: { info: FullInfo }): VNode {
  const items = moveItems(useWorld(), info)
  const reasons = [...new Set(items.map((item) => item.whyNot).filter((why) => why !== null))]
  const idOf = (why: string | null) => (why === null ? undefined : `why-not-${reasons.indexOf(why)}`)
  return html`<div class="moves">
    <div class="buttons">
      ${items.map(
        ({ text, whyNot, danger, choose }) => html`<button
          key=${text}
          type="button"
          class=${danger ? 'danger' : ''}
          aria-disabled=${whyNot !== null}
          aria-describedby=${idOf(whyNot)}
          title=${whyNot ?? ''}
          onClick=${() => whyNot === null && choose()}
        >
          ${text}
        </button>`,
      )}
    </div>
    ${reasons.map((why) => html`<p key=${why} class="why-not" id=${idOf(why)}>${why}</p>`)}
  </div>`
}
