/**
 * Identifies a process by more than its id: process ids are reused, the start time of a process is not.
 * Called by code that stores process ids in files: the lock and the process list of `npm start`, the embedded
 * PostgreSQL.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A text that belongs to this process alone. Null when no process has this id, or only a zombie. */
export function processIdentity(pid: number): string | null {
  try {
    return process.platform === 'linux' ? linuxIdentity(pid) : psIdentity(pid)
  } catch {
    return null
  }
}

function linuxIdentity(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The program's name stands in parentheses and may contain any character; the fields follow it (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  if (state === 'Z' || state === 'X') return null
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${boot} ${fields[19]}`
}

function psIdentity(pid: number): string | null {
  const startedAt = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: process.env.PATH },
  }).trim()
  return startedAt === '' ? null : startedAt
}
