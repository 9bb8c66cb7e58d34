/** `octo open`: opens a link of a deployment in the browser. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { Link } from '../../../domain/schemas.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import { toSingleLine } from '../../output/terminal-text.ts'

export class Open extends ApiCommand {
  static override paths = [['open']]
  static override usage = ApiCommand.Usage({
    description: 'open a link of a deployment in the browser',
    details: `Opens the first link, or the one that --link names. Prints it instead with --print or -o, or when stdout is no terminal.`,
    examples: [
      ['Open the first link', '$0 open feature-1'],
      ['Another link', '$0 open feature-1 --link admin'],
      ['For a script', 'curl -f "$(octo open feature-1 --print)"'],
    ],
  })

  name = nameOption()
  link = Option.String('--link', { description: 'name of the link, as octo info shows it' })
  onlyPrint = Option.Boolean('--print', false, { description: 'print the link and start no browser' })

  protected async run(): Promise<void> {
    const name = parseName(this.name)
    const { metadata } = await this.call('getFullInfo', { params: { name } })
    const record = chooseLink(name, metadata, this.link)
    if (this.format !== null) return this.printRecords({ record }, view, this.format)
    const { link } = record
    const { stdout, env } = this.context
    if (this.onlyPrint || !(stdout as { isTTY?: boolean }).isTTY) return this.print(`${toSingleLine(link)}\n`)
    const { openInBrowser } = await import('../../cli/open-browser.ts')
    await openInBrowser(link, env)
    this.note(`opened ${toSingleLine(link)}`)
  }
}

/** Rejects links other than http and https, because links come from scripts. */
function chooseLink(name: string, links: readonly Link[], linkName: string | undefined): Link {
  const found = linkName === undefined ? links[0] : links.find((link) => link.name === linkName)
  if (found === undefined) {
    const linkNames = links.map((link) => toSingleLine(link.name)).join(', ') || 'none'
    const missing = linkName === undefined ? 'no link' : `no link "${linkName.slice(0, 40)}"`
    throw new CliError('refused', `Deployment ${name} has ${missing}.`, `Its links: ${linkNames}.`)
  }
  const { protocol } = URL.parse(found.link) ?? {}
  if (protocol === 'http:' || protocol === 'https:') return found
  throw new CliError(
    'refused',
    `The link ${toSingleLine(found.name)} is neither http nor https: ${toSingleLine(found.link)}`,
  )
}

const view: RecordView<Link> = {
  name: ({ link }) => link,
  columns: { NAME: ({ name }) => name, LINK: ({ link }) => link },
}
