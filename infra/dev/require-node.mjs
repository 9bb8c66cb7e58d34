/**
 * Loaded before a program of this repository by `node --import`: ends with one sentence where Node is too old to run
 * TypeScript, instead of ERR_UNKNOWN_FILE_EXTENSION. Plain JavaScript, so that an old Node can read it.
 */
import module from 'node:module'

const minimumMajor = 24

if (Number(process.versions.node.split('.')[0]) < minimumMajor) {
  console.error(
    `Octopod needs Node ${minimumMajor} or later, and this is ${process.version}. ` +
      'Run `npm ci`: it installs a suitable Node with the dependencies, and npm scripts use that one.',
  )
  process.exit(1)
}

// Programs started from here inherit the variable.
process.env.NODE_COMPILE_CACHE ||= new URL('../../node_modules/.cache/octopod', import.meta.url).pathname
module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
