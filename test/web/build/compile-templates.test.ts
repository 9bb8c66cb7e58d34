// biome-ignore-all lint/suspicious/noTemplateCurlyInString: sources with templates are what is read here
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileTemplates } from '../../../web/build/compile-templates.ts'

const head = "import { html } from 'htm/preact'\n"
const compiled = (code: string) => compileTemplates(head + code).split('\n')[1]

describe('a template', () => {
  it('becomes calls, without the blanks between elements', () => {
    assert.equal(
      compiled('html`<p class="a" hidden>x ${y} z<br /></p>`'),
      'h("p",{"class":"a","hidden":true},"x ",(y)," z",h("br",0))',
    )
    assert.equal(compileTemplates(head).trim(), "import { h } from 'preact'")
  })

  it('may hold components, templates within, braces and quotes in its expressions', () => {
    assert.equal(
      compiled('html`<${A} b=${{ c: "}`" }}><i />${d && html`<b />`}<//>`'),
      'h((A),{"b":({ c: "}`" })},h("i",0),(d && h("b",0)))',
    )
  })

  it('may be several elements, have an attribute of several pieces, or spread some', () => {
    assert.equal(compiled('html`<i /><b />`'), '[h("i",0),h("b",0)]')
    assert.equal(compiled('html`<i class="a ${b}" />`'), 'h("i",{"class":"a "+(b)+""})')
    assert.equal(compiled('html`<i a="1" ...${b} />`'), 'h("i",{"a":"1",...(b)})')
  })

  it('is refused rather than misread', () => {
    assert.throws(() => compiled('html`<i>\\u0020</i>`'), /backslash/)
  })
})
