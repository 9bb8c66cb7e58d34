/** Plants mistakes that the type checker and the linter must find, with the configuration of `npm run check`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { root } from './repository.ts'

const bin = (name: string) => join(root, 'node_modules/.bin', name)

/** Writes the files into a new folder, runs the program there, and returns what it printed. */
async function runOn(files: Record<string, string>, program: string, args: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'octopod-planted-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return await new Promise((resolve) =>
      execFile(bin(program), args, { cwd: folder }, (_, stdout, stderr) => resolve(stdout + stderr)),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const checkTypes = (config: string, source: string) =>
  runOn(
    {
      'planted.ts': `${source}\nexport {}\n`,
      'tsconfig.json': JSON.stringify({
        extends: join(root, config),
        compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
        include: ['planted.ts'],
      }),
    },
    'tsc',
    [],
  )

const lint = (files: Record<string, string>) => {
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
  config.vcs.enabled = false
  return runOn({ ...files, 'biome.json': JSON.stringify(config) }, 'biome', ['lint', '.'])
}

suite('The type checker', { concurrency: true }, () => {
  test('finds the DOM in code that runs in Node', async () => {
    assert.match(await checkTypes('tsconfig.node.json', 'document.title'), /Cannot find name 'document'/)
  })

  test('finds Node in code that runs in the browser', async () => {
    assert.match(await checkTypes('tsconfig.browser.json', 'process.exit()'), /Cannot find name 'process'/)
    assert.match(
      await checkTypes('tsconfig.browser.json', `import { join } from 'node:path'\njoin('a')`),
      /Cannot find module 'node:path'|node:path/,
    )
  })

  test('accepts what is right', async () => {
    assert.equal(await checkTypes('tsconfig.browser.json', 'document.title'), '')
  })
})

suite('The linter', { concurrency: true }, () => {
  test('finds a promise that nobody waits for', async () => {
    const source = 'async function save(): Promise<void> {}\nexport function handle() {\n  save()\n}\n'
    assert.match(await lint({ 'planted.ts': source }), /noFloatingPromises/)
  })

  test('finds a promise where a condition is expected', async () => {
    const source =
      'async function isReady(): Promise<boolean> {\n  return true\n}\n' +
      'export function handle() {\n  if (isReady()) return 1\n  return 2\n}\n'
    assert.match(await lint({ 'planted.ts': source }), /noMisusedPromises/)
  })

  test('finds a cycle of imports', async () => {
    const found = await lint({
      'one.ts': "import { two } from './two.ts'\nexport const one = () => two\n",
      'two.ts': "import { one } from './one.ts'\nexport const two = () => one\n",
    })
    assert.match(found, /noImportCycles/)
  })
})
