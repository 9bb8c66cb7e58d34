/** `--help` of the programs of this repository. Each program calls it before anything else. */

/** Prints `usage` and ends the program when --help or -h is among its arguments. */
export function exitOnHelp(usage: string): void {
  if (!process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) return
  console.log(usage)
  process.exit(0)
}
