/** The choice of the theme in the account menu. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { readTheme, setTheme, type Theme, themes } from './theme.ts'

const labels: Record<Theme, string> = { system: 'System', light: 'Light', dark: 'Dark' }

export function ThemeChoice(): VNode {
  const chosen = useSignal(readTheme(window))
  return html`<fieldset class="theme-choice">
    <legend>Theme</legend>
    ${themes.map(
      (theme) => html`<label key=${theme}>
        <input
          type="radio"
          name="theme"
          checked=${chosen.value === theme}
          onChange=${() => {
            chosen.value = theme
            setTheme(window, theme)
          }}
        />
        <span>${labels[theme]}</span>
      </label>`,
    )}
  </fieldset>`
}
