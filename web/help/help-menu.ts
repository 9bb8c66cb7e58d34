/** The help in the top bar: the documents of this version, which the server serves itself, the keyboard shortcuts, and the version. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { apiPrefix } from '../../domain/endpoints.ts'
import { useApp } from '../app-context.ts'
import { basePath } from '../base-path.ts'
import { Menu, type MenuItem } from '../ui/menu.ts'
import { docPath } from './doc-paths.ts'

/** `hasShortcuts`: nothing can be done by keyboard on the sign-in screen. */
export function HelpMenu({ hasShortcuts }: { hasShortcuts: boolean }): VNode {
  const { overlay, config } = useApp()
  const showShortcuts = () => {
    overlay.value = { type: 'shortcuts' }
  }
  const items = () => [
    link('Guide', docPath('guide')),
    link('Install octo, the command line', docPath('ci', 'installing-octo')),
    link('API reference', `${basePath}${apiPrefix}/docs`),
    ...(hasShortcuts ? [{ text: 'Keyboard shortcuts', disabledReason: null, onSelect: showShortcuts }] : []),
    link(`What is new in Octopod ${config.server_version ?? ''}`.trim(), docPath('changelog')),
  ]
  return html`<${Menu} label="Help" text="?" items=${items} />`
}

const link = (text: string, href: string): MenuItem => ({ text, disabledReason: null, href, onSelect() {} })
