/** Keeps the focus of the keyboard in the dialog when the button that had it disappears. */
import { useEffect } from 'preact/hooks'

/** After each change of `step` what has `autofocus` gets the focus, unless something else has it. */
export function useKeptFocus(step: string): void {
  useEffect(() => {
    if (document.activeElement === null || document.activeElement === document.body)
      document.querySelector<HTMLElement>('dialog [autofocus]')?.focus()
  }, [step])
}
