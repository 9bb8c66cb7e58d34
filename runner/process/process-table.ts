/**
 * The processes of this machine, read from /proc without blocking the event loop: group, start time, and the script
 * that they belong to. Scripts that are ended at the same moment share one read. Created by open-runner.ts; called by
 * process-tree.ts and orphans.ts.
 */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { delay } from '../../lib/delay.ts'
import { identifyScript, type RunnerProcess, type ScriptIdentity } from './script-marker.ts'

/** The number of a process is used again some time after its end. Its number and its start time together are not. */
export type ProcessIdentity = { pid: number; startTicks: string }
export type ProcessInfo = ProcessIdentity & { group: number; script: ScriptIdentity | null }

export type Processes = {
  /**
   * False on other systems than Linux, and when there was no free file descriptor. Then only the group of a script is
   * known.
   */
  isReadable: boolean
  /** Without zombies, because they run nothing and may wait long for their parent. */
  alive: readonly ProcessInfo[]
}

export type ProcessTable = {
  /** Reads the processes after this call. Never rejects. */
  read(): Promise<Processes>
}

/**
 * The event loop turns after so long. The files are read synchronously, which takes a fifth of the processor time of
 * asynchronous reads: they are in memory.
 */
const sliceMs = 5

export function createProcessTable(): ProcessTable {
  const buffer = Buffer.alloc(64 * 1024)
  let next: Promise<Processes> | null = null
  let last: Promise<unknown> = Promise.resolve()
  let pauseUntilMs = 0

  const readOnce = async () => {
    next = null
    const startedMs = performance.now()
    const processes = await readProcesses(createFileReader(buffer))
    // Reading takes half of a processor at most, however many scripts are being ended.
    pauseUntilMs = 2 * performance.now() - startedMs
    return processes
  }
  return {
    read() {
      if (next !== null) return next
      const read = last.then(() => delay(Math.max(0, pauseUntilMs - performance.now()))).then(readOnce)
      next = read
      last = read
      return read
    },
  }
}

/** Whether the process still runs, read just before a signal is sent to it. */
export function isSameProcess({ pid, startTicks }: ProcessIdentity): boolean {
  try {
    return parseStat(readWholeFile(`/proc/${pid}/stat`, Buffer.allocUnsafe(1024)))?.startTicks === startTicks
  } catch {
    return false
  }
}

/** Whether the process has surely ended; false when that cannot be read. */
export function hasEnded({ pid, startTicks }: ProcessIdentity): boolean {
  try {
    return parseStat(readWholeFile(`/proc/${pid}/stat`, Buffer.allocUnsafe(1024)))?.startTicks !== startTicks
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

/** Returns null on other systems than Linux. */
export function readRunnerProcess(): RunnerProcess | null {
  try {
    const stat = parseStat(readFileSync('/proc/self/stat', 'latin1'))
    const [pidNamespace] = /\d+/.exec(readlinkSync('/proc/self/ns/pid')) ?? []
    if (stat === null || pidNamespace === undefined) return null
    return { pidNamespace, pid: process.pid, startTicks: stat.startTicks }
  } catch {
    return null
  }
}

async function readProcesses(reader: FileReader): Promise<Processes> {
  const isProc = reader.read('/proc/self/stat') !== ''
  const alive: ProcessInfo[] = []
  let sliceEndMs = performance.now() + sliceMs
  for (const pid of reader.list('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const info = readProcess(reader, pid)
    if (info !== null) alive.push(info)
    if (performance.now() < sliceEndMs) continue
    await setImmediate()
    sliceEndMs = performance.now() + sliceMs
  }
  return { isReadable: isProc && !reader.lacksDescriptors(), alive }
}

function readProcess(reader: FileReader, pid: string): ProcessInfo | null {
  const stat = parseStat(reader.read(`/proc/${pid}/stat`))
  if (stat === null) return null
  // Threads of the kernel have the group 0 and no environment.
  const script = stat.group === 0 ? null : identifyScript(reader.read(`/proc/${pid}/environ`))
  return { pid: Number(pid), ...stat, script }
}

type FileReader = {
  list(folder: string): string[]
  /** Returns an empty text when the process has ended or belongs to another user. */
  read(path: string): string
  /** Whether a file could not be read because this process or the machine has too many open. */
  lacksDescriptors(): boolean
}

function createFileReader(buffer: Buffer): FileReader {
  let lacksDescriptors = false
  const orEmpty = <T>(read: () => T, empty: T): T => {
    try {
      return read()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EMFILE' || code === 'ENFILE') lacksDescriptors = true
      return empty
    }
  }
  return {
    list: (folder) => orEmpty(() => readdirSync(folder), []),
    read: (path) => orEmpty(() => readWholeFile(path, buffer), ''),
    lacksDescriptors: () => lacksDescriptors,
  }
}

/** With its own buffer it takes a third of the time of readFileSync, which does not know the size of a file in /proc. */
function readWholeFile(path: string, buffer: Buffer): string {
  const file = openSync(path, 'r')
  try {
    let text = ''
    for (let size = buffer.length; size === buffer.length; ) {
      size = readSync(file, buffer, 0, buffer.length, null)
      text += buffer.toString('latin1', 0, size)
    }
    return text
  } finally {
    closeSync(file)
  }
}

/** `PID (NAME) STATE PARENT GROUP …` (proc(5)). The name may contain spaces and brackets. Returns null for a zombie. */
function parseStat(stat: string): { group: number; startTicks: string } | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, , group] = fields
  if (stat === '' || state === 'Z' || state === 'X') return null
  return { group: Number(group), startTicks: fields[19] ?? 'unknown' }
}
