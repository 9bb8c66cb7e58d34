/** Opens a link in the browser of the user. Called by commands/deployments/open.ts and commands/login/login.ts. */
import { spawn } from 'node:child_process'
import { CliError } from '../errors/cli-error.ts'

const openCommands: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** False where no browser would appear in front of the user: over SSH, and without a desktop. */
export function canOpenBrowser(environment: NodeJS.ProcessEnv): boolean {
  if (environment.BROWSER?.trim()) return true
  if (environment.SSH_CONNECTION || environment.SSH_TTY) return false
  return process.platform !== 'linux' || Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY)
}

/** Resolves when the program has started, and does not wait for its result. */
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
      const remedy = 'Set BROWSER to a program that opens links, or print the link: octo open --print'
      reject(new CliError('settings', `the browser could not be started: ${error.message}.`, remedy))
    })
  })
}
