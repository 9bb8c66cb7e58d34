/** Implements app_logs: prints the log files of the replicas. A restarted replica begins a new file. Called by app_logs. */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithReader } from '../../lib/app-logs/end-with-reader.mjs'
import { deploymentDir } from './deployment-dir.mjs'

const pollMs = 300
/** The last lines are searched in so much of a file. */
const maxTailBytes = 4 * 1024 * 1024
const readBytes = 64 * 1024

export async function printAppLogs(request) {
  const { tail = '200', follow = false } = request
  const folder = deploymentDir(request)
  endWithReader()
  const files = new Map()
  for (let isFirst = true; ; isFirst = false) {
    for (const [index, path] of logFiles(folder)) {
      const file = files.get(path) ?? { index, path, at: isFirst ? null : 0, ...atLineStart() }
      files.set(path, file)
      await printNewLines(file, Number(tail))
    }
    if (isFirst && files.size === 0) console.error('No replica has been started yet.')
    if (!follow) return
    await sleep(pollMs)
  }
}

function logFiles(folder) {
  try {
    return readdirSync(folder).flatMap((name) => {
      const index = /^app-(\d+)\.log$/.exec(name)?.[1]
      return index === undefined ? [] : [[index, join(folder, name)]]
    })
  } catch {
    return []
  }
}

/** `file.at` null: only the last lines of what is there. */
async function printNewLines(file, tail) {
  let descriptor
  try {
    descriptor = openSync(file.path, 'r')
  } catch {
    return
  }
  try {
    const { size } = fstatSync(descriptor)
    if (file.at === null) {
      const start = Math.max(0, size - maxTailBytes)
      const lines = read(file, descriptor, start, size).split('\n')
      file.rest = lines.pop() ?? ''
      file.at = size
      await print(file, tail === 0 ? [] : lines.slice(-tail))
      return
    }
    // A restarted replica has emptied its file.
    if (size < file.at) Object.assign(file, { at: 0, ...atLineStart() })
    while (file.at < size) {
      const end = Math.min(size, file.at + readBytes)
      const lines = (file.rest + read(file, descriptor, file.at, end)).split('\n')
      file.at = end
      file.rest = lines.pop() ?? ''
      await print(file, lines)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** A character may be split between two reads. */
const atLineStart = () => ({ rest: '', decoder: new StringDecoder('utf8') })

function read({ decoder }, descriptor, start, end) {
  const bytes = Buffer.alloc(end - start)
  return decoder.write(bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, start)))
}

async function print({ index }, lines) {
  if (lines.length === 0) return
  const text = lines.map((line) => `[replica ${index}] ${line}\n`).join('')
  await new Promise((resolve) => process.stdout.write(text, () => resolve()))
}
