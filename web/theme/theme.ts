/**
 * The theme of the page: light, dark, or that of the system. The browser remembers it. at-start.ts applies it before anything is
 * drawn; the account menu changes it.
 */

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const storageKey = 'octopod.theme'
const prefersDark = '(prefers-color-scheme: dark)'

/** Applies the remembered theme, now and after a change of the system or in another tab. */
export function followTheme(window: Window): void {
  applyTheme(window)
  window.matchMedia(prefersDark).addEventListener('change', () => applyTheme(window))
  window.addEventListener('storage', ({ key }) => {
    if (key === storageKey || key === null) applyTheme(window)
  })
}

export function readTheme({ localStorage }: Pick<Window, 'localStorage'>): Theme {
  const stored = localStorage.getItem(storageKey)
  return themes.find((theme) => theme === stored) ?? 'system'
}

export function setTheme(window: Window, theme: Theme): void {
  if (theme === 'system') window.localStorage.removeItem(storageKey)
  else window.localStorage.setItem(storageKey, theme)
  applyTheme(window)
}

/** tokens.css has the colors of both schemes; the browser draws scroll bars and fields in the same. */
function applyTheme(window: Window): void {
  const theme = readTheme(window)
  const scheme = theme === 'system' ? (window.matchMedia(prefersDark).matches ? 'dark' : 'light') : theme
  window.document.documentElement.dataset.theme = scheme
  window.document.querySelector('meta[name=color-scheme]')?.setAttribute('content', scheme)
}
