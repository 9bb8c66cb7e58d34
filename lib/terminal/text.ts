/**
 * Turns what a program printed for a terminal into the text that the terminal would show: without colors, and with
 * progress bars as they looked in the end. The one cleaner for words of scripts: used by runner, page and octo.
 */
import { createTerminalScreen, specialCharacters } from './screen.ts'

export function toPlainText(text: string): string {
  if (!specialCharacters.test(text)) return text
  const screen = createTerminalScreen()
  screen.write(text)
  const rows = screen.rows.slice(0, screen.height())
  return rows.map((row) => row.text).join('\n')
}
