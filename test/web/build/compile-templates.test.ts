// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the test inputs are sources with templates
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileTemplates } from '../../../web/build/compile-templates.ts'

const head = "import { html } from 'htm/preact'\n"
const compiled = (code: string) => compileTemplates(head + code).split('\n')[1]

describe('compiled templates', () => {
  it('A template becomes `h` calls without whitespace between elements', () => {
    assert.equal(
      compiled('html`<p class="a" hidden>x ${y} z<br /></p>`'),
      'h("p",{"class":"a","hidden":true},"x ",(y)," z",h("br",0))',
    )
    assert.equal(compileTemplates(head).trim(), "import { h } from 'preact'")
  })

  it('Components, nested templates, braces and quotes in expressions work', () => {
    assert.equal(
      compiled('html`<${A} b=${{ c: "}`" }}><i />${d && html`<b />`}<//>`'),
      'h((A),{"b":({ c: "}`" })},h("i",0),(d && h("b",0)))',
    )
  })

  it('Several root elements, composed attributes and spreads work', () => {
    assert.equal(compiled('html`<i /><b />`'), '[h("i",0),h("b",0)]')
    assert.equal(compiled('html`<i class="a ${b}" />`'), 'h("i",{"class":"a "+(b)+""})')
    assert.equal(compiled('html`<i a="1" ...${b} />`'), 'h("i",{"a":"1",...(b)})')
  })

  it('A template that cannot be compiled is rejected', () => {
    assert.throws(() => compiled('html`<i>\\u0020</i>`'), /backslash/)
  })
})
