/** Opens a link in the browser of whoever sits there. Called by commands/open.ts. */
import { spawn } from 'node:child_process'
import { CliError } from '../errors/cli-error.ts'

const openCommands: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Ends when the opener was started; what it makes of the link is its own affair. */
export function openInBrowser(link: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const configured = environment.BROWSER?.trim()
  const [program, ...programArgs] = configured
    ? [configured]
    : (openCommands[process.platform] ?? ['xdg-open'])
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, [...programArgs, link], { stdio: 'ignore', detached: true })
    child.once('spawn', () => {
      child.unref()
      resolve()
    })
    child.once('error', (error) => {
      const remedy = 'Set BROWSER to a program that can, or take the link: octo open --print'
      reject(new CliError('settings', `no browser could be started: ${error.message}.`, remedy))
    })
  })
}
