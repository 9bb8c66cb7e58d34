/** Opens a link in the browser of whoever sits there. Called by commands/open.ts. */
import { spawn } from 'node:child_process'
import type { Environment } from './environment.ts'
import { Failure } from './failure.ts'

const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Ends when the opener was started; what it makes of the link is its own affair. */
export function openInBrowser(link: string, environment: Environment): Promise<void> {
  const chosen = environment.BROWSER?.trim()
  const [program, ...before] = chosen ? [chosen] : (openers[process.platform] ?? ['xdg-open'])
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, [...before, link], { stdio: 'ignore', detached: true })
    child.once('spawn', () => {
      child.unref()
      resolve()
    })
    child.once('error', (error) => {
      const remedy = 'Set BROWSER to a program that can, or take the link: octo open --print'
      reject(new Failure('settings', `no browser could be started: ${error.message}.`, remedy))
    })
  })
}
