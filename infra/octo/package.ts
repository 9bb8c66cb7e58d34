/**
 * Makes the npm package of octo: the bundle and a manifest without dependencies. `npx octo` and `npm install --global`
 * take it from there. Called by build.ts and by tests.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bundleForNode, root } from './bundle.ts'

/** The folder is replaced as a whole. */
export async function buildPackage(folder: string): Promise<void> {
  const fresh = `${folder}.${process.pid}`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true })
  await bundleForNode(fresh)
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
  await writeFile(join(fresh, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  await cp(join(root, 'docs/octo.md'), join(fresh, 'README.md'))
  await rm(folder, { recursive: true, force: true })
  await rename(fresh, folder)
}
