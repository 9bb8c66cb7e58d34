/** A log of a process of ours: lines are appended; what was big at the start is set aside once. A full disk costs lines, not
 * the process. */
import { appendFileSync, renameSync, statSync, writeFileSync } from 'node:fs'

const sizeLimitBytes = 10 * 1024 * 1024

export function openLog(file: string, print: (line: string) => void = () => {}): (line: string) => void {
  try {
    if (statSync(file).size > sizeLimitBytes) renameSync(file, `${file}.old`)
  } catch {
    // There is none yet.
  }
  writeFileSync(file, '', { flag: 'a', mode: 0o600 })
  // Synchronous: nothing is lost when we are killed, and there is little of it.
  let lastWriteSucceeded = true
  return (line) => {
    try {
      appendFileSync(file, `${line}\n`)
      lastWriteSucceeded = true
    } catch (error) {
      if (lastWriteSucceeded)
        print(
          `${file} cannot be written (${(error as Error).message}): make room; its lines are lost until then.`,
        )
      lastWriteSucceeded = false
    }
  }
}
