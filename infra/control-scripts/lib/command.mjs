/**
 * Runs helm and kubectl with an argument list, never through a shell. Time and output size are limited, and secrets are
 * masked in error messages. Called by helm/lib and kubectl.mjs.
 */
import { spawn } from 'node:child_process'
import { UserError } from './arguments.mjs'
import { maskSecrets } from './secrets.mjs'

const maxOutputBytes = 64 * 1024 * 1024
/** The time between TERM and KILL when the time limit is exceeded. */
const killGraceMs = 5_000
/** Settings that only the scripts need; helm and kubectl do not get them. */
const scriptOnlyVariables = ['HELM_USER', 'HELM_PASS', 'DEFAULTS', 'HELM_DEBUG']

/** A program that ended with a non-zero exit code. `stderr` is already masked. */
export class CommandError extends UserError {
  constructor(message, { stdout, stderr, code }) {
    super(message)
    Object.assign(this, { stdout, stderr, code })
  }
}

/**
 * `input`: text for stdin. `env`: added to the inherited environment. → stdout
 * @throws CommandError when it fails, UserError when it cannot be started or exceeds a limit
 */
export async function runCommand(file, args, { input = '', env = {}, timeoutMs }) {
  const { code, signal, stdout, stderr, timedOut } = await spawnAndWait(file, args, { input, env, timeoutMs })
  if (code === 0 && !timedOut) return stdout
  const commandName = [
    file.split('/').at(-1),
    ...args.slice(0, 2).filter((word) => /^[a-z]+$/.test(word)),
  ].join(' ')
  if (timedOut) throw new UserError(`${commandName} took longer than ${timeoutMs / 1000} s and was stopped.`)
  const message = maskSecrets(stderr.trim() || stdout.trim())
  const details = { stdout, stderr: message, code }
  throw new CommandError(message || `${commandName} ended with ${signal ?? `exit code ${code}`}.`, details)
}

function spawnAndWait(file, args, { input, env, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...inheritedEnvironment(), ...env }, stdio: 'pipe' })
    const chunks = { stdout: [], stderr: [] }
    let sizeBytes = 0
    let timedOut = false
    const stop = () => {
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), killGraceMs).unref()
    }
    const timer = setTimeout(() => {
      timedOut = true
      stop()
    }, timeoutMs)
    for (const stream of ['stdout', 'stderr'])
      child[stream].on('data', (bytes) => {
        sizeBytes += bytes.length
        if (sizeBytes <= maxOutputBytes) chunks[stream].push(bytes)
        else stop()
      })
    child.on('error', (error) => {
      clearTimeout(timer)
      const name = file.split('/').at(-1)
      const missing = `${file} was not found: put ${name} on the PATH or set ${name.toUpperCase()}_BIN.`
      reject(new UserError(error.code === 'ENOENT' ? missing : `${file} could not be run: ${error.message}`))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const text = (stream) => Buffer.concat(chunks[stream]).toString('utf8')
      if (sizeBytes > maxOutputBytes)
        return reject(new UserError(`${file} printed more than ${maxOutputBytes} bytes and was stopped.`))
      resolve({ code, signal, timedOut, stdout: text('stdout'), stderr: text('stderr') })
    })
    // If the program ends without reading its input, its stderr has the reason.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

const inheritedEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !scriptOnlyVariables.includes(name)))
