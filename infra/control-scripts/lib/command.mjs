/**
 * Runs helm and kubectl: an argument list, never a shell; a limit of time and of output; what they say without secrets.
 * Called by helm/lib and kubectl.mjs.
 */
import { spawn } from 'node:child_process'
import { Refusal } from './arguments.mjs'
import { masked } from './secrets.mjs'

const outputLimitBytes = 64 * 1024 * 1024
/** From TERM to KILL when its time is up. */
const graceMs = 5_000
/** Settings of the scripts that are nobody else's affair. */
const ours = ['HELM_USER', 'HELM_PASS', 'DEFAULTS', 'HELM_DEBUG']

/** A program that ended with something other than 0; `stderr` is already masked. */
export class CommandFailure extends Refusal {
  constructor(message, { stdout, stderr, code }) {
    super(message)
    Object.assign(this, { stdout, stderr, code })
  }
}

/**
 * `options`: input (text for its stdin), env (in addition to ours), timeoutMs. → stdout.
 * @throws CommandFailure when it fails, Refusal when it cannot be run or takes too long.
 */
export async function runCommand(file, args, { input = '', env = {}, timeoutMs }) {
  const { code, signal, stdout, stderr, timedOut } = await finished(file, args, { input, env, timeoutMs })
  if (code === 0 && !timedOut) return stdout
  const what = [file.split('/').at(-1), ...args.slice(0, 2).filter((word) => /^[a-z]+$/.test(word))].join(' ')
  if (timedOut) throw new Refusal(`${what} took longer than ${timeoutMs / 1000} s and was stopped.`)
  const said = masked(stderr.trim() || stdout.trim())
  const facts = { stdout, stderr: said, code }
  throw new CommandFailure(said || `${what} ended with ${signal ?? `exit code ${code}`}.`, facts)
}

function finished(file, args, { input, env, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...inherited(), ...env }, stdio: 'pipe' })
    const kept = { stdout: [], stderr: [] }
    let sizeBytes = 0
    let timedOut = false
    const stop = () => {
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), graceMs).unref()
    }
    const timer = setTimeout(() => {
      timedOut = true
      stop()
    }, timeoutMs)
    for (const stream of ['stdout', 'stderr'])
      child[stream].on('data', (bytes) => {
        sizeBytes += bytes.length
        if (sizeBytes <= outputLimitBytes) kept[stream].push(bytes)
        else stop()
      })
    child.on('error', (error) => {
      clearTimeout(timer)
      const name = file.split('/').at(-1)
      const missing = `${file} was not found: put ${name} on the PATH or set ${name.toUpperCase()}_BIN.`
      reject(new Refusal(error.code === 'ENOENT' ? missing : `${file} could not be run: ${error.message}`))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const text = (stream) => Buffer.concat(kept[stream]).toString('utf8')
      if (sizeBytes > outputLimitBytes)
        return reject(new Refusal(`${file} printed more than ${outputLimitBytes} bytes and was stopped.`))
      resolve({ code, signal, timedOut, stdout: text('stdout'), stderr: text('stderr') })
    })
    // A program that ends without reading its input says why on stderr.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

const inherited = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.includes(name)))
