/**
 * Answers whether a process id still means the same process: ids are reused, the moment of birth is not.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Text that no other process ever has, as long as the process lives; null when there is none (or a zombie). */
export function processIdentity(pid: number): string | null {
  try {
    return process.platform === 'linux' ? linuxIdentity(pid) : psIdentity(pid)
  } catch {
    return null
  }
}

function linuxIdentity(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name of the program comes in parentheses and may hold anything; what follows is plain (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  if (state === 'Z' || state === 'X') return null
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${boot} ${fields[19]}`
}

function psIdentity(pid: number): string | null {
  const born = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: process.env.PATH },
  }).trim()
  return born === '' ? null : born
}
