/** The last lines of an output, of all its streams together. Called by commands/actions/logs.ts. */
import type { OutputChunk } from '../../domain/schemas.ts'

/** Keeps only chunks that may belong to the last `count` lines, because output can exceed the memory. */
export async function lastLines(source: AsyncIterable<OutputChunk>, count: number): Promise<OutputChunk[]> {
  const kept: OutputChunk[] = []
  let lines = 0
  for await (const chunk of source) {
    if (chunk.text === '') continue
    kept.push(chunk)
    lines += countNewlines(chunk.text)
    // Keeps one line more: the last line may be incomplete.
    for (
      let [first] = kept;
      first !== undefined && lines - countNewlines(first.text) > count;
      [first] = kept
    ) {
      lines -= countNewlines(first.text)
      kept.shift()
    }
  }
  const unfinishedLines = kept.length === 0 || kept.at(-1)?.text.endsWith('\n') ? 0 : 1
  return dropLines(kept, lines + unfinishedLines - count)
}

function dropLines([first, ...rest]: readonly OutputChunk[], linesToDrop: number): OutputChunk[] {
  if (first === undefined) return []
  if (linesToDrop <= 0) return [first, ...rest]
  const newlinesInFirst = countNewlines(first.text)
  // A line may continue in the next chunk.
  if (newlinesInFirst < linesToDrop) return dropLines(rest, linesToDrop - newlinesInFirst)
  const text = first.text.split('\n').slice(linesToDrop).join('\n')
  return text === '' ? rest : [{ ...first, text }, ...rest]
}

const countNewlines = (text: string) => text.split('\n').length - 1
