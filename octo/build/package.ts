/**
 * Builds the npm package of octo: the bundle and a manifest without dependencies, for `npx` and `npm install --global`.
 * Called by build.ts and by tests.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bundleOcto, root } from './bundle.ts'

/** Replaces the whole folder in one step. */
export async function buildPackage(folder: string): Promise<void> {
  const temporaryFolder = `${folder}.${process.pid}`
  await rm(temporaryFolder, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true })
  await bundleOcto(temporaryFolder)
  const { version, license, engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const manifest = {
    name: 'octopod-octo',
    version,
    description: 'octo, the command line of Octopod',
    license,
    type: 'module',
    engines,
    bin: { octo: 'octo.cjs' },
  }
  await writeFile(join(temporaryFolder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  await cp(join(root, 'docs/octo.md'), join(temporaryFolder, 'README.md'))
  await rm(folder, { recursive: true, force: true })
  await rename(temporaryFolder, folder)
}
