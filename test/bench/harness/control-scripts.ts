/**
 * Writes control scripts for the bench. All of them do nothing; a benchmark replaces those that it measures.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scriptNames, scripts } from '../../../domain/script.ts'
import type { Bench } from './bench.ts'

const noOp = 'exit 0'

/** `bodies`: name → body of a sh script. Returns the folder. */
export function writeControlScripts(bench: Bench, bodies: Record<string, string> = {}): string {
  const folder = join(bench.folder, bench.uniqueName('scripts'))
  mkdirSync(folder)
  const standard = { info: "echo 'app,https://app.example.com'", ...bodies }
  for (const name of scriptNames) {
    if (scripts[name].optional) continue
    writeControlScript(folder, name, (standard as Record<string, string>)[name] ?? noOp)
  }
  return folder
}

export function writeControlScript(folder: string, name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
}
