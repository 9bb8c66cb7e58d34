/** Called by the scripts that print without end. */

/** Ends this process when nobody reads its output any more; entrypoint.mjs lets other scripts finish their work. */
export function endWithReader() {
  process.stdout.on('error', () => process.exit(1))
}
