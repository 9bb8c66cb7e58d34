#!/usr/bin/env node
/** The octo program, started by people, scripts and CI. Turns the compile cache on and calls run.ts. */
import { enableCompileCache } from 'node:module'

// Comes before all other imports: it halves the time of every later start.
enableCompileCache()

// A reader that closes the pipe early, as in `octo list | head -1`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

import('./run.ts').then(async ({ run }) => {
  process.exitCode = await run(process.argv.slice(2))
})
