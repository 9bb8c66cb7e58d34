#!/usr/bin/env node
/**
 * octo: finds the command that was typed, loads only that one, reads its options and runs it. Everything that is
 * not data goes to stderr. Started by people, scripts and CI.
 */
import { enableCompileCache } from 'node:module'

// Before anything else is loaded: the second start takes half the time of the first.
enableCompileCache()

// `octo list | head -1` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

import('./run.ts').then(async ({ run }) => {
  process.exitCode = await run(process.argv.slice(2))
})
