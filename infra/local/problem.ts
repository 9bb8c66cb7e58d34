/** A problem the person at the keyboard can solve: start.ts shows its one sentence, never a stack trace. */
export class Problem extends Error {
  override name = 'Problem'
}
