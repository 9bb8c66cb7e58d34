/** Control scripts of the bench: all there, all trivial; a row replaces those it measures. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scriptNames, scripts } from '../../../domain/script.ts'
import type { Bench } from './bench.ts'

const nothing = 'exit 0'

/** `own`: name → body of a sh script. Returns the folder. */
export function writeControlScripts(bench: Bench, own: Record<string, string> = {}): string {
  const folder = join(bench.folder, bench.uniqueName('scripts'))
  mkdirSync(folder)
  const standard = { info: "echo 'app,https://app.example.com'", ...own }
  for (const name of scriptNames) {
    if (scripts[name].optional) continue
    putScript(folder, name, (standard as Record<string, string>)[name] ?? nothing)
  }
  return folder
}

export function putScript(folder: string, name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
}

/** Holds the only slot for checks, so that no check follows an action: what is counted is the action alone. */
export const blockedChecks = {
  scripts: { check: 'exec sleep 600', archive_check: 'exec sleep 600' },
  settings: { CHECK_CONCURRENCY: '1', CHECK_TIMEOUT: '600' },
}
