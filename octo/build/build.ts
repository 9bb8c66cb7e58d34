/**
 * `npm run build:octo` builds dist/npm, the package of octo for Node, and dist/octo, an executable for machines
 * without Node. `-- npm` builds only the package, `-- linux-aarch64` (or another platform) only the executable for
 * that platform.
 */
import { stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { exitOnHelp } from '../../lib/node/help.ts'
import { root } from './bundle.ts'
import { buildExecutable, hostPlatform } from './executable.ts'
import { buildPackage } from './package.ts'

exitOnHelp(`npm run build:octo [-- npm | PLATFORM]

Builds dist/npm, the package for Node, and dist/octo, an executable for this machine.
npm builds only the package; PLATFORM, for example linux-aarch64, builds an executable for that platform.`)

const [target = ''] = process.argv.slice(2)
try {
  if (target === '' || target === 'npm') {
    await buildPackage(join(root, 'dist/npm'))
    console.log('dist/npm    the package: npx ./dist/npm, npm pack ./dist/npm')
  }
  if (target !== 'npm') {
    const name = target === '' ? 'octo' : `octo-${target}${target.startsWith('windows') ? '.exe' : ''}`
    const path = join(root, 'dist', name)
    await buildExecutable(path, target || hostPlatform())
    const { size } = await stat(path)
    console.log(`${relative(root, path)}   the executable, ${Math.round(size / 1e6)} MB`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
