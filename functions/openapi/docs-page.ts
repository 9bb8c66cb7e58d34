/**
 * Renders the OpenAPI document as a page without scripts; every value is escaped. Its style is in docs-page-style.ts.
 */
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { errorCodes } from '../../domain/errors.ts'
import { curlExample } from './curl-example.ts'
import type { OpenapiDocument } from './document.ts'
import { type Operation, type Parameter, tags } from './operation.ts'

type Html = HtmlEscapedString
/** hono's html is synchronous when no value is a promise. */
const h = (strings: TemplateStringsArray, ...values: unknown[]): Html => html(strings, ...values) as Html

type Row = { path: string; method: string; operation: Operation }

export function renderDocsPage(document: OpenapiDocument): string {
  const rows = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Row => ({ path, method, operation })),
  )
  const groups = tags.map((tag) => ({ tag, rows: rows.filter(({ operation }) => operation.tags[0] === tag) }))
  const { info, components } = document
  return h`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} HTTP API</title>
<link rel="stylesheet" href="docs.css">
</head>
<body>
<nav aria-label="Endpoints">
<a class="home" href="#top">${info.title} HTTP API</a>
${groups.map(
  (group) =>
    h`<h2>${group.tag}</h2><ul>${group.rows.map(
      ({ method, operation }) =>
        h`<li><a href="#${operation.operationId}">${methodBadge(method)} ${operation.operationId}</a></li>`,
    )}</ul>`,
)}
<h2>More</h2><ul><li><a href="#errors">Errors</a></li><li><a href="#schemas">Schemas</a></li><li><a href="openapi.json">openapi.json</a></li></ul>
</nav>
<main id="top">
<h1>${info.title} HTTP API</h1>
${prose(info.description)}
<dl class="roles">${Object.entries(components.securitySchemes).map(
    ([role, scheme]) => h`<dt>${role}</dt><dd>Header <code>${scheme.name}</code>. ${scheme.description}</dd>`,
  )}</dl>
<p>The examples read address and credential from the environment, as <code>octo</code> does:</p>
<pre tabindex="0"><code>export OCTOPOD_URL=https://octopod.example.com
export OCTO_AUTHORIZATION_HEADER='Bearer …'</code></pre>
${groups.map((group) => h`<h2>${group.tag}</h2>${group.rows.map(section)}`)}
<h2 id="errors">Errors</h2>
<div class="wide" tabindex="0"><table><thead><tr><th>code</th><th>status</th><th>what to do</th></tr></thead><tbody>
${Object.entries(errorCodes).map(
  ([code, { status, remedy }]) =>
    h`<tr><td><code>${code}</code></td><td>${status}</td><td>${remedy}</td></tr>`,
)}</tbody></table></div>
<h2 id="schemas">Schemas</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) =>
    h`<details id="schema-${name}"><summary><code>${name}</code></summary>${code(pretty(schema))}</details>`,
)}
</main>
</body>
</html>
`.toString()
}

function section({ path, method, operation }: Row): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = operation
  return h`<section id="${operationId}">
<h3>${methodBadge(method)} <code>${path}</code></h3>
<p><strong>${summary}.</strong></p>
${prose(description)}
${parameters.length > 0 ? parameterTable(parameters) : ''}
${code(curlExample(path, method, operation))}
${requestBody ? h`<h4>Body</h4>${media(requestBody.content)}` : ''}
${Object.entries(responses).map(([status, response]) => {
  const short = Number(status) < 400
  const content = response.content ?? {}
  return h`<h4>${status}</h4>${prose(response.description)}${short ? media(content) : ''}`
})}
</section>`
}

function parameterTable(parameters: readonly Parameter[]): Html {
  return h`<div class="wide" tabindex="0"><table><thead><tr><th>parameter</th><th>in</th><th>meaning</th></tr></thead><tbody>
${parameters.map(
  ({ name, in: where, description, schema }) =>
    h`<tr><td><code>${name}</code></td><td>${where}</td><td>${description ?? ''} ${limits(schema)}</td></tr>`,
)}</tbody></table></div>`
}

function limits({ minimum, maximum, default: defaultValue, enum: choice }: Parameter['schema']): string {
  const range = maximum === undefined ? '' : `${minimum ?? ''} to ${maximum}`
  const parts = [
    Array.isArray(choice) ? choice.join(', ') : range,
    defaultValue === undefined ? '' : `default ${defaultValue}`,
  ]
  const text = parts.filter(Boolean).join('; ')
  return text === '' ? '' : `(${text})`
}

function media(content: Record<string, { schema: Record<string, unknown>; example?: unknown }>): Html {
  return h`${Object.entries(content).map(([type, { schema, example }]) => {
    const exampleText =
      example === undefined
        ? ''
        : typeof example === 'string' && type !== 'application/json'
          ? example
          : pretty(example)
    return h`<p class="type">${type} ${schemaLink(schema)}</p>${exampleText === '' ? '' : code(exampleText)}`
  })}`
}

/** Links to the schema component of a body or of its list items. */
function schemaLink(schema: Record<string, unknown>): Html | '' {
  const inner = (schema.items ?? schema) as { $ref?: string }
  const name = inner.$ref?.split('/').at(-1)
  if (name === undefined) return ''
  return h`· ${schema.items === undefined ? '' : 'list of '}<a href="#schema-${name}">${name}</a>`
}

const methodBadge = (method: string): Html => h`<span class="method ${method}">${method.toUpperCase()}</span>`
const code = (text: string): Html => h`<pre tabindex="0"><code>${text}</code></pre>`
const pretty = (value: unknown): string => JSON.stringify(value, null, 2)

/** The descriptions use only two kinds of markdown: paragraphs and `code`. */
function prose(text: string): Html {
  const inline = (part: string) =>
    part.split('`').map((piece, at) => (at % 2 === 1 ? h`<code>${piece}</code>` : piece))
  return h`${text.split('\n\n').map((paragraph) => h`<p>${inline(paragraph)}</p>`)}`
}
