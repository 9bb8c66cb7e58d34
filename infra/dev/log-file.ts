/**
 * The log file of a child process. A file of more than 10 MB is renamed when the log is opened. If the disk is full,
 * lines are lost, but the process continues. Called by datastores.ts, program.ts and the test cluster.
 */
import { appendFileSync, renameSync, statSync, writeFileSync } from 'node:fs'

const sizeLimitBytes = 10 * 1024 * 1024

export function openLog(file: string, print: (line: string) => void = () => {}): (line: string) => void {
  try {
    if (statSync(file).size > sizeLimitBytes) renameSync(file, `${file}.old`)
  } catch {
    // The file does not exist yet.
  }
  writeFileSync(file, '', { flag: 'a', mode: 0o600 })
  // Writes are synchronous, so that no line is lost if this process is killed. There are few lines.
  let lastWriteSucceeded = true
  return (line) => {
    try {
      appendFileSync(file, `${line}\n`)
      lastWriteSucceeded = true
    } catch (error) {
      if (lastWriteSucceeded)
        print(
          `${file} cannot be written (${(error as Error).message}): free some disk space; lines are lost until then.`,
        )
      lastWriteSucceeded = false
    }
  }
}
