/**
 * A menu button with keyboard navigation. Disabled items show their reason; neighbours with the same one show it once, below
 * the last of them. Used by deployment/action-menu.ts.
 */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { Icon } from './icon.ts'

/** `href`: an external link instead of an action. */
export type MenuItem = {
  text: string
  disabledReason: string | null
  danger?: boolean
  href?: string
  onSelect(): void
}

/** `text`: shown on the button instead of the dots; a single sign looks like an icon. */
type Props = { label: string; text?: string; items: () => MenuItem[] }

export function Menu({ label, text, items }: Props): VNode {
  const open = useSignal(false)
  const id = useId()
  const menuRef = useRef<HTMLDivElement>(null)
  const close = (focus: boolean) => {
    open.value = false
    if (focus) menuRef.current?.querySelector('button')?.focus()
  }

  useLayoutEffect(() => {
    if (!open.value) return
    const elements = () => [...(menuRef.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
    elements()[0]?.focus()
    const onPointerDown = (event: Event) => {
      if (!(event.target instanceof Node && menuRef.current?.contains(event.target))) close(false)
    }
    const onKeyDown = (event: KeyboardEvent) => {
      const menuItems = elements()
      const current = menuItems.indexOf(document.activeElement as HTMLElement)
      const target = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: -1 }[event.key]
      if (event.key === 'Escape') close(true)
      else if (event.key === 'Tab') close(false)
      const letter = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey
      if (letter && event.key !== ' ') focusByLetter(menuItems, current, event)
      if (target === undefined) return
      event.preventDefault()
      menuItems.at(target % menuItems.length)?.focus()
    }
    const closing = new AbortController()
    document.addEventListener('pointerdown', onPointerDown, closing)
    document.addEventListener('keydown', onKeyDown, closing)
    return () => closing.abort()
  }, [open.value])

  return html`<div class="menu" ref=${menuRef}>
    <button
      type="button"
      class=${text === undefined ? 'icon-button' : text.length === 1 ? 'icon-button sign' : 'ghost-button small'}
      title=${text?.length === 1 ? label : undefined}
      aria-label=${label}
      aria-haspopup="menu"
      aria-expanded=${open.value}
      onClick=${() => {
        open.value = !open.value
      }}
    >
      ${text ?? html`<${Icon} name="more" />`}
    </button>
    ${
      open.value &&
      html`<div class="menu-items" role="menu" aria-label=${label}>
        ${items().map(
          (
            { text, disabledReason, danger, href, onSelect },
            index,
            all,
          ) => html`<${href === undefined ? 'button' : 'a'}
            key=${text}
            role="menuitem"
            tabindex=${-1}
            class=${danger ? 'menu-item danger' : 'menu-item'}
            aria-disabled=${disabledReason !== null}
            aria-describedby=${disabledReason === null ? undefined : `${id}-${reasonIndex(all, index)}`}
            ...${href === undefined ? { type: 'button' } : { href, target: '_blank', rel: 'noopener noreferrer' }}
            onClick=${() => {
              if (disabledReason !== null) return
              close(true)
              onSelect()
            }}
          >
            ${text} ${href !== undefined && html`<${Icon} name="out" />`} ${disabledReason !== null && reasonIndex(all, index) === index && html`<span id=${`${id}-${index}`} class="disabled-reason">${disabledReason}</span>`}
          <//>`,
        )}
      </div>`
    }
  </div>`
}

/** The next item that begins with the typed letter. A shortcut of the page does not count then. */
function focusByLetter(items: readonly HTMLElement[], current: number, event: KeyboardEvent): void {
  event.stopPropagation()
  const ordered = [...items.slice(current + 1), ...items.slice(0, current + 1)]
  const begins = ({ textContent }: HTMLElement) =>
    textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase())
  ordered.find(begins)?.focus()
}

/** The item that shows the reason of this one. */
function reasonIndex(items: readonly MenuItem[], index: number): number {
  const [item, next] = [items[index], items[index + 1]]
  // A line separates the dangerous ones.
  const isShared =
    next?.disabledReason === item?.disabledReason && Boolean(next?.danger) === Boolean(item?.danger)
  return next !== undefined && isShared ? reasonIndex(items, index + 1) : index
}
