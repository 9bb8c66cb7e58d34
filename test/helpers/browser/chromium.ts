/**
 * Starts Chromium for the tests of the page: the executable that CHROMIUM names, else Debian's headless shell, else its
 * whole browser. All have the same engine; the shell lacks the interface of the browser and so needs a fifth of the time.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'

const chromiumFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Returns null when no browser is installed. */
export function findChromium(): string | null {
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)]
  const names = [
    'chromium-headless-shell',
    'chromium',
    'chromium-browser',
    'google-chrome-stable',
    'google-chrome',
  ]
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return (
    [process.env.CHROMIUM, ...candidates].find((path) => path !== undefined && isExecutable(path)) ?? null
  )
}

/**
 * The reason to skip browser tests; false when they can run. In CI a missing browser is an error, never a
 * skip.
 */
export function missingBrowser(): string | false {
  if (findChromium() !== null) return false
  const message =
    'chromium is not installed: apt-get install chromium-headless-shell, or set CHROMIUM to its path'
  if (process.env.CI) throw new Error(message)
  return message
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium() ?? '', args: chromiumFlags })
}

/** Builds the page like `npm run build`. */
export function buildPage(): string {
  const build = fileURLToPath(new URL('../../../web/build/build-page.ts', import.meta.url))
  return execFileSync(process.execPath, [build], { encoding: 'utf8' })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
