// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the test inputs are sources with templates
/** Plants mistakes in html templates that `npm run check` must find. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Project } from 'ts-morph'
import { checkTemplates } from '../../../web/build/typed-templates.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

const imports = { html: 'htm/preact', Icon: './icon.ts', Menu: './menu.ts' }
const importLines = Object.entries(imports).map(([name, path]) => `import { ${name} } from '${path}'\n`)
const head = `${importLines.join('')}void [Icon, Menu]\n`

/** Code that begins on the fifth line of a file of the page, and its problem: the line and a part of the message. */
const mistakes: Record<string, { code: string; line?: number; message: RegExp }> = {
  'A misspelt prop of a component': {
    code: 'export const a = html`<${Icon} nme="key" />`',
    message: /'nme' does not exist/,
  },
  'A prop of a wrong type': {
    code: 'export const a = html`<${Icon} name=${5} />`',
    message: /'number' is not assignable/,
  },
  'A missing prop': { code: 'export const a = html`<${Icon} />`', message: /'name' is missing/ },
  'A misspelt attribute': { code: 'export const a = html`<p clas="x" />`', message: /'clas' does not exist/ },
  'An unknown element': { code: 'export const a = html`<buton />`', message: /"buton"/ },
  'A misspelt attribute of an element that an expression names': {
    code: "export const a = html`<${Date.now() > 0 ? 'a' : 'button'} clas=\"x\" />`",
    message: /'clas' does not exist/,
  },
  'Children of a component that has none': {
    code: 'export const a = html`<${Icon} name="key">text<//>`',
    message: /'children' does not exist/,
  },
  'A mistake in a nested template': {
    code: 'export const a = html`<p>\n  <b>${\n    true &&\n    html`<${Icon}\n      name=${5}\n    />`\n  }</b>\n</p>`',
    line: 9,
    message: /'number' is not assignable/,
  },
  'A mistake in the code after a template': {
    code: 'export const a = html`<p\n  title="x"\n/>`\nexport const b: string = 5',
    line: 8,
    message: /'number' is not assignable/,
  },
}
const right = [
  'export const a = html`<p class="a ${1}" hidden>x <${Icon} name="key" />${true && html`<b data-x="1" tabindex="-1">${"t"}</b>`}</p>`',
  'export const a = html`<i /><b />`',
  'export const a = html`text`',
  'export const a = html`<${Icon} ...${{ name: "key" as const }} />`',
]

describe('the check of templates', () => {
  let problems: string[] = []

  before(() => {
    const project = new Project({
      tsConfigFilePath: join(root, 'tsconfig.browser.json'),
      skipAddingFilesFromTsConfig: true,
    })
    const plant = (name: string, code: string) =>
      project.createSourceFile(join(root, `web/ui/${name}.ts`), `${head}${code}\n`)
    for (const [index, { code }] of Object.values(mistakes).entries()) plant(`mistake${index}`, code)
    for (const [index, code] of right.entries()) plant(`right${index}`, code)
    project.resolveSourceFileDependencies()
    problems = checkTemplates(project, root)
  })

  for (const [index, [title, { line = 5, message }]] of Object.entries(mistakes).entries())
    it(`${title} is found in its line`, () => {
      const [found = '', ...more] = problems.filter((problem) => problem.includes(`/mistake${index}.ts:`))
      assert.deepEqual(more, [])
      assert.match(found, message)
      assert.ok(found.startsWith(`web/ui/mistake${index}.ts:${line}: `), found)
    })

  it('Templates without a mistake have no problem', () => {
    assert.deepEqual(
      problems.filter((problem) => !problem.includes('/mistake')),
      [],
    )
  })
})
