/**
 * Renders the documents of docs/ and the changelog as pages, so that the help of the page belongs to its version and needs no other
 * host. Called by build-page.ts.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { Marked, Renderer, type Tokens } from 'marked'

export type RenderedFile = { name: string; contents: Uint8Array }

/** `root`: the folder of the repository. `stylesheet`, `script`, `icon`: their paths beside the folder docs. */
type Options = { root: string; stylesheet: string; script: string; icon: string }

/** The documents as HTML, and their pictures, by their path below /docs. */
export async function renderDocs({ root, ...assets }: Options): Promise<RenderedFile[]> {
  const folder = join(root, 'docs')
  const sources = (await readdir(folder)).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  const paths = [...sources, 'CHANGELOG.md']
  const pages = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(root, path), 'utf8')
      const title = /^# (.+)$/m.exec(text)?.[1] ?? path
      const body = renderMarkdown(text, (link) => resolveLink(link, path, paths))
      const page = pageAround({ title, body, ...assets })
      return { name: pageName(path), contents: new TextEncoder().encode(page) }
    }),
  )
  const pictures = (await readdir(join(folder, 'pictures'))).filter((name) => name.endsWith('.png'))
  return [
    ...pages,
    ...(await Promise.all(
      pictures.map(async (name) => ({
        name: `pictures/${name}`,
        contents: await readFile(join(folder, 'pictures', name)),
      })),
    )),
  ]
}

const pageName = (path: string): string => posix.basename(path).toLowerCase().replace(/\.md$/, '.html')

/** Null: a file of the repository that no server has. */
function resolveLink(link: string, from: string, paths: readonly string[]): string | null {
  if (/^https?:|^#/.test(link)) return link
  const [file = '', anchor] = link.split('#')
  const path = posix.join(posix.dirname(from), file)
  if (path.startsWith('docs/pictures/')) return path.slice('docs/'.length)
  return paths.includes(path) ? pageName(path) + (anchor === undefined ? '' : `#${anchor}`) : null
}

/** A link that `resolve` does not know becomes its text. Headings have the ids that GitHub gives them. */
export function renderMarkdown(text: string, resolve: (link: string) => string | null): string {
  const seen = new Map<string, number>()
  const marked = new Marked()
  const plain = new Renderer()
  let tables = 0
  marked.use({
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading) {
        return `<h${depth} id="${headingId(text, seen)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
      },
      link(token: Tokens.Link) {
        const href = resolve(token.href)
        const content = this.parser.parseInline(token.tokens)
        return href === null ? content : `<a href="${escapeHtml(href)}">${content}</a>`
      },
      image(token: Tokens.Image) {
        const src = resolve(token.href)
        return src === null
          ? ''
          : `<img src="${escapeHtml(src)}" alt="${escapeHtml(token.text)}" loading="lazy">`
      },
      table({ header, rows }: Tokens.Table) {
        tables += 1
        const contentOf = ({ tokens }: Tokens.TableCell) => this.parser.parseInline(tokens)
        const headings = header.map((cell) => `<th>${contentOf(cell)}</th>`)
        // On a phone the cells of a row are below each other, and each but the first names its column.
        const cellOf = (cell: Tokens.TableCell, column: number) =>
          `<td data-heading="${escapeHtml((header[column]?.text ?? '').replaceAll('`', ''))}">${contentOf(cell)}</td>`
        const lines = [headings, ...rows.map((row) => row.map(cellOf))].map(
          (row) => `<tr>${row.join('')}</tr>`,
        )
        const [first = '', ...others] = lines
        const table = `<table><thead>${first}</thead><tbody>${others.join('\n')}</tbody></table>`
        return `<div class="wide" tabindex="0" role="region" aria-label="Table ${tables}">${table}</div>\n`
      },
      // It may be wider than the screen, and is then scrolled by keyboard.
      code: (token: Tokens.Code) => plain.code(token).replace('<pre>', '<pre tabindex="0">'),
      // The documents contain no HTML; what looks like it is text.
      html: ({ text }: Tokens.HTML | Tokens.Tag) => escapeHtml(text),
    },
  })
  return marked.parse(text, { async: false })
}

function headingId(text: string, seen: Map<string, number>): string {
  const id = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
  const count = seen.get(id) ?? 0
  seen.set(id, count + 1)
  return count === 0 ? id : `${id}-${count}`
}

type Page = { title: string; body: string } & Omit<Options, 'root'>

const pageAround = ({ title, body, stylesheet, script, icon }: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · Octopod</title>
<link rel="icon" type="image/svg+xml" href="../${icon}">
<script src="../${script}"></script>
<link rel="stylesheet" href="../${stylesheet}">
</head>
<body>
<nav aria-label="Documents"><a href="../">← Deployments</a><a href="guide.html">Guide</a><a href="octo.html">octo</a><a href="control-scripts.html">Control scripts</a><a href="api.html">API</a><a href="glossary.html">Glossary</a></nav>
<main>
${body}</main>
</body>
</html>
`

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? '')
