/**
 * Masks secrets in text that arrives in pieces, also over several lines, in base64 and with URL encoding. It catches
 * what scripts print by mistake, not a script that encodes its secrets on purpose. Called for the output of actions
 * (output.ts) and for messages with script output (run-script.ts).
 */
import { incompleteStart, normalizeText, sourceEnd } from './normalize-text.ts'
import { maxBlockLength, type SecretPatterns } from './secret-patterns.ts'

export type Redactor = {
  /** Returns masked text. The last characters wait for the next piece when they could be the start of a secret. */
  push(text: string): string
  end(): string
}

const mask = '***'

/**
 * The leftmost match wins, then the longest. The result does not depend on how the text is cut into pieces. Of a long
 * secret each block is masked, also without the others; those that follow each other become one mask.
 */
export function createRedactor(patterns: SecretPatterns): Redactor {
  let pending = ''
  let lineBreakRun = 0
  /** Whether `pending` begins where a block of a long secret ended that has a continuation. */
  let isWithinSecret = false

  const redact = (text: string, isEnd: boolean): string => {
    const plainEnd = isWithinSecret ? 0 : patterns.skipPlainText(text, lineBreakRun)
    if (plainEnd > 0) {
      lineBreakRun = 0
      return text.slice(0, plainEnd) + redactClosely(text.slice(plainEnd), isEnd)
    }
    return redactClosely(text, isEnd)
  }

  const redactClosely = (text: string, isEnd: boolean): string => {
    const scanEnd = isEnd ? text.length : incompleteStart(text)
    const normal = normalizeText(text, lineBreakRun, scanEnd)
    const { bytes, starts, length } = normal
    let result = ''
    let copied = 0
    let at = 0
    let continuationAt = isWithinSecret ? 0 : -1
    while (at < length) {
      if (!isEnd && length - at < maxBlockLength && patterns.isBeginning(bytes, at, length)) break
      const block = patterns.findLongest(bytes, at, length)
      if (block === -1) {
        at += 1
        continue
      }
      if (at !== continuationAt || !patterns.isContinuation(block))
        result += text.slice(copied, starts[at]) + mask
      at += patterns.lengthOf(block)
      copied = sourceEnd(text, starts[at - 1] ?? 0)
      continuationAt = patterns.hasContinuation(block) ? at : -1
    }
    isWithinSecret = !isEnd && at === continuationAt
    const firstKept = at < length ? (starts[at] ?? 0) : scanEnd
    const keptFrom = isEnd ? text.length : isWithinSecret ? copied : Math.max(copied, firstKept)
    pending = text.slice(keptFrom)
    lineBreakRun = pending === '' ? normal.lineBreakRun : 0
    return result + text.slice(copied, keptFrom)
  }

  return {
    push: (piece) => (patterns.isEmpty ? piece : redact(pending + piece, false)),
    // The rest holds no complete long secret, but may hold a complete shorter one.
    end: () => redact(pending, true),
  }
}

/** Masks secrets in a complete text. */
export function maskSecrets(text: string, patterns: SecretPatterns): string {
  const redactor = createRedactor(patterns)
  return redactor.push(text) + redactor.end()
}
