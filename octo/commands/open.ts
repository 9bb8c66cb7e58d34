/** `octo open`: a link of a deployment in the browser. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { Link } from '../../domain/shapes.ts'
import { checkedName, nameOption } from '../command.ts'
import { Failure } from '../failure.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'
import { oneLine } from '../text.ts'

export class Open extends OnlineCommand {
  static override paths = [['open']]
  static override usage = OnlineCommand.Usage({
    description: 'open a link of a deployment in the browser',
    details: `The first link, or the one of --link. With --print or -o, and where stdout is no terminal, it is printed instead.`,
    examples: [
      ['Have a look', '$0 open -n feature-1'],
      ['Another link', '$0 open -n feature-1 --link admin'],
      ['For a script', 'curl -f "$(octo open -n feature-1 --print)"'],
    ],
  })

  name = nameOption()
  link = Option.String('--link', { description: 'name of the link, as octo info shows it' })
  onlyPrint = Option.Boolean('--print', false, { description: 'print the link, start nothing' })

  protected async act(): Promise<void> {
    const name = checkedName(this.name)
    const { metadata } = await this.call('getFullInfo', { params: { name } })
    const one = chosen(name, metadata, this.link)
    if (this.format !== null) return this.tell({ one }, look, this.format)
    const { link } = one
    const { stdout, env } = this.context
    if (this.onlyPrint || !(stdout as { isTTY?: boolean }).isTTY) return this.print(`${link}\n`)
    const { openInBrowser } = await import('../browser.ts')
    await openInBrowser(link, env)
    this.note(`opened ${link}`)
  }
}

/** Links come from scripts: only those of the web are opened. */
function chosen(name: string, links: readonly Link[], wanted: string | undefined): Link {
  const found = wanted === undefined ? links[0] : links.find((link) => link.name === wanted)
  if (found === undefined) {
    const there = links.map((link) => oneLine(link.name)).join(', ') || 'none'
    const which = wanted === undefined ? 'no link' : `no link "${wanted.slice(0, 40)}"`
    throw new Failure('refused', `Deployment ${name} has ${which}.`, `There are: ${there}.`)
  }
  const { protocol } = URL.parse(found.link) ?? {}
  if (protocol === 'http:' || protocol === 'https:') return found
  throw new Failure('refused', `The link ${oneLine(found.name)} is not of the web: ${oneLine(found.link)}`)
}

const look: Look<Link> = {
  name: ({ link }) => link,
  columns: { NAME: ({ name }) => name, LINK: ({ link }) => link },
}
