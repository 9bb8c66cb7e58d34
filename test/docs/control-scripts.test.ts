/** Runs the bash example of docs/control-scripts.md unchanged: by hand, and with the linter and --lifecycle. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { read, root } from '../architecture/repository.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-docs-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const section =
  read('docs/control-scripts.md')
    .split(/^## /m)
    .find((text) => text.startsWith('Your own, in bash\n')) ?? ''
const block = (language: string) =>
  new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(section)?.[1] ?? ''
const environment = {
  PATH: [dirname(process.execPath), process.env.PATH].join(':'),
  OCTOPOD_SITES: join(folder, 'sites'),
}

writeFileSync(join(folder, 'all.sh'), block('bash'))
execFileSync('bash', ['-euc', block('sh')], { cwd: folder, env: environment })

function run(file: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: root, env: environment }, (error, stdout, stderr) =>
      resolve({
        code: typeof error?.code === 'number' ? error.code : error ? -1 : 0,
        output: stdout + stderr,
      }),
    )
  })
}
const script = (name: string, ...args: string[]) => run(join(folder, 'scripts', name), ...args)

test('The linter finds no errors with --lifecycle in the bash example', async () => {
  const { code, output } = await run(
    process.execPath,
    'infra/control-scripts/lint/main.ts',
    join(folder, 'scripts'),
    '--lifecycle',
    'page',
  )
  assert.equal(code, 0, output)
  // Its config is in arguments, so that it needs no program that reads JSON.
  assert.match(output, /\n\d+ findings: 0 errors, 1 warning\.\n$/)
})

test('The bash example serves its page, keeps it through archive and restore, and rejects a wrong tag', async () => {
  const argumentsOf = (tag: string, title = `a & <b> "c" $(d)`) => [
    '--name',
    'shop',
    '--base-domain',
    'example.com',
    '--application-config',
    `image.tag=${tag}`,
    '--application-config',
    `title=${title}`,
  ]
  const page = () => readFileSync(join(environment.OCTOPOD_SITES, 'shop/index.html'), 'utf8')
  assert.equal((await script('create', ...argumentsOf('v1'))).code, 0)
  assert.equal(page(), '<h1>\na &amp; &lt;b> "c" $(d)\n</h1>\n')
  assert.equal((await script('check', ...argumentsOf('v1'))).code, 0)
  assert.equal((await script('check', ...argumentsOf('v2'))).code, 3)
  assert.equal((await script('archive', ...argumentsOf('v1'))).code, 0)
  assert.equal((await script('check', ...argumentsOf('v1'))).code, 1)
  assert.equal((await script('unarchive', ...argumentsOf('v1'))).code, 0)
  assert.match(page(), /^a &amp;/m)
  const refused = await script('config_check', ...argumentsOf('latest'))
  assert.deepEqual(refused, {
    code: 1,
    output: 'image.tag: there is no release "latest"; they are called v1, v2 and so on.\n',
  })
  assert.equal((await script('info', ...argumentsOf('v1'))).output, 'page,http://shop.example.com/\n')
  mkdirSync(join(environment.OCTOPOD_SITES, 'other'))
  assert.equal((await script('cleanup', ...argumentsOf('v1'))).code, 0)
  assert.throws(page)
})
