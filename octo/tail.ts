/** The end of an output: as many whole lines as are wanted, whichever stream they are of. Called by commands/logs.ts. */
import type { OutputChunk } from '../domain/shapes.ts'

/** Keeps what may still be needed only: output may be longer than memory. */
export async function lastLines(source: AsyncIterable<OutputChunk>, count: number): Promise<OutputChunk[]> {
  const kept: OutputChunk[] = []
  let lines = 0
  for await (const chunk of source) {
    if (chunk.text === '') continue
    kept.push(chunk)
    lines += newLines(chunk.text)
    // One more than wanted: the last line may not have ended.
    for (let [first] = kept; first !== undefined && lines - newLines(first.text) > count; [first] = kept) {
      lines -= newLines(first.text)
      kept.shift()
    }
  }
  const open = kept.length === 0 || kept.at(-1)?.text.endsWith('\n') ? 0 : 1
  return withoutLines(kept, lines + open - count)
}

function withoutLines([first, ...rest]: readonly OutputChunk[], surplus: number): OutputChunk[] {
  if (first === undefined) return []
  if (surplus <= 0) return [first, ...rest]
  const here = newLines(first.text)
  // A line may go on in the next piece.
  if (here < surplus) return withoutLines(rest, surplus - here)
  const text = first.text.split('\n').slice(surplus).join('\n')
  return text === '' ? rest : [{ ...first, text }, ...rest]
}

const newLines = (text: string) => text.split('\n').length - 1
