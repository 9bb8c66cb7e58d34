/** Reads the lines of kubectl in bounded memory. Called by pod-logs.mjs. */

/** With the names of pod and container still below the limit of a runner, which then cuts nothing more. */
const maxLineLength = 15_900

/** Yields the lines of a stream. Of a longer line only the beginning is kept, with the number of characters that are cut. */
export async function* readLines(stream) {
  stream.setEncoding('utf8')
  let line = ''
  let cutLength = 0
  const add = (text) => {
    const kept = text.slice(0, maxLineLength - line.length)
    line += kept
    cutLength += text.length - kept.length
  }
  const endLine = () => {
    const text = line.endsWith('\r') && cutLength === 0 ? line.slice(0, -1) : line.toWellFormed()
    const cut = cutLength === 0 ? '' : ` … (${cutLength} more characters of this line were cut)`
    line = ''
    cutLength = 0
    return text + cut
  }
  for await (const chunk of stream) {
    const parts = chunk.split('\n')
    for (const [index, part] of parts.entries()) {
      if (index > 0) yield endLine()
      add(part)
    }
  }
  if (line !== '' || cutLength > 0) yield endLine()
}
