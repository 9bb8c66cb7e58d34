/**
 * Reads the arguments and the environment of all processes again and again, and prints a line for each process that shows
 * `text`. The first line of its input is `{"text": …, "witness": …}`; with the end of its input it prints how many
 * processes had `witness` in their arguments. Prints `ready` first. Started by watch-process-list.ts, so that nothing
 * else delays the reads.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const intervalMs = 5
/** Processes that are older than the watch are read in every such round only. They would have to change into another program. */
const roundsOfOld = 20
const buffer = Buffer.alloc(256 * 1024)
const reported = new Set<string>()
const witnesses = new Set<string>()
let rounds = 0

for await (const line of createInterface({ input: process.stdin })) void watch(JSON.parse(line))
console.log(JSON.stringify({ rounds, witnesses: witnesses.size }))
process.exit()

async function watch({ text, witness }: { text: string; witness: string }): Promise<void> {
  const old = new Set(listProcesses())
  console.log('ready')
  for (; ; rounds += 1) {
    const startedMs = performance.now()
    for (const pid of listProcesses()) {
      if (old.has(pid) && rounds % roundsOfOld !== 0) continue
      const cmdline = read(`/proc/${pid}/cmdline`)
      if (cmdline.includes(witness)) witnesses.add(pid)
      if (cmdline.includes(text)) report(pid, 'cmdline', cmdline)
      if (read(`/proc/${pid}/environ`).includes(text)) report(pid, 'environ', cmdline)
    }
    await sleep(Math.max(0, startedMs + intervalMs - performance.now()))
  }
}

function listProcesses(): string[] {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
}

function report(pid: string, found: string, cmdline: string): void {
  if (reported.has(pid + found)) return
  reported.add(pid + found)
  console.log(JSON.stringify({ found, program: cmdline.replaceAll('\0', ' ').slice(0, 300) }))
}

/** Empty when the process has ended or belongs to another user. */
function read(path: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, null))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
