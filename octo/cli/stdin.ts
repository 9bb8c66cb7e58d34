/**
 * Reads text from files or stdin, with a size limit. Stdin can be read once. Called by parse-overrides.ts and
 * commands/context/set.ts.
 */
import { readFile, stat } from 'node:fs/promises'
import { CliError } from '../errors/cli-error.ts'
import { describeSystemError } from '../errors/system-error.ts'

export type ByteSource = AsyncIterable<Uint8Array | string>

/** Far more than the server accepts. */
const maxBytes = 8 << 20

/** The path `-` means stdin. The reader throws a CliError of kind `usage` that names the option. */
export function createInputReader(stdin: ByteSource): (option: string, path: string) => Promise<string> {
  let stdinOption: string | null = null
  return async (option, path) => {
    if (path !== '-') return readTextFile(option, path)
    if (stdinOption !== null)
      throw new CliError('usage', `${option} and ${stdinOption} both read stdin: only one can.`)
    stdinOption = option
    return readStream(option, stdin)
  }
}

async function readTextFile(option: string, path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw new Error('it is larger than 8 MiB')
    return decode(await readFile(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT'
        ? 'the file does not exist'
        : code === 'EISDIR'
          ? 'it is a folder'
          : describeSystemError(error)
    throw new CliError('usage', `${option} cannot read ${path || 'a file without a name'}: ${reason}.`)
  }
}

async function readStream(option: string, stdin: ByteSource): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stdin) {
      const bytes = Buffer.from(chunk as Uint8Array)
      size += bytes.length
      if (size > maxBytes) throw new Error('it is larger than 8 MiB')
      chunks.push(bytes)
    }
    return decode(Buffer.concat(chunks))
  } catch (error) {
    throw new CliError('usage', `${option} cannot read stdin: ${describeSystemError(error)}.`)
  }
}

function decode(bytes: Uint8Array): string {
  try {
    // A byte order mark is part of the text.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Error('it is not UTF-8 text')
  }
}
