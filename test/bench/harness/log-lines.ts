/**
 * Generates output like that of a build: log lines of changing content that compress about as well as real
 * logs.
 */
const vocabulary =
  'layer pulled digest sha256 step run npm build module compiled chunk warning cache hit miss deploy image pod ready'.split(
    ' ',
  )

/** About `bytes` of text, always the same. */
export function logLines(bytes: number): string {
  let state = 42
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2147483648
    return state % below
  }
  let text = ''
  for (let line = 1; text.length < bytes; line += 1) {
    const message = Array.from({ length: 8 }, () => vocabulary[random(vocabulary.length)]).join(' ')
    text += `2024-01-01T00:00:00.${String(line % 1000).padStart(3, '0')}Z ${message} ${random(2 ** 31).toString(16)}\n`
  }
  return text
}
