/** `octo version`: the version of octo, and the build of the server. Loaded by run.ts. */
import { readContexts } from '../api/contexts.ts'
import { ApiCommand } from '../cli/api-command.ts'
import { version } from '../cli/version.ts'
import type { RecordView } from '../output/formatter.ts'
import { toSingleLine } from '../output/terminal-text.ts'

export class Version extends ApiCommand {
  static override paths = [['version']]
  static override usage = ApiCommand.Usage({
    description: 'print the version of octo, and the build of the server',
    details: `Without a server only that of octo, as octo --version. Exit code 7 when the server does not respond.`,
    examples: [['Both', '$0 version']],
  })

  protected async run(): Promise<void> {
    const record: VersionRecord = { version, platform: `${process.platform}-${process.arch}`, server: null }
    let failure: unknown = null
    try {
      if (this.hasServer()) record.server = await this.readServer()
    } catch (error) {
      failure = error
    }
    await this.printResult(failure, async () => {
      if (this.format !== null) return this.printRecords({ record }, view, this.format)
      const { server } = record
      await this.print(`${version}\n${server === null ? '' : serverLine(server)}`)
    })
  }

  private hasServer(): boolean {
    const { env } = this.context
    return (
      this.contextName !== undefined ||
      Boolean(env.OCTOPOD_URL?.trim()) ||
      readContexts(env).contexts.length > 0
    )
  }

  private async readServer(): Promise<{ url: string; revision: string }> {
    const client = await this.client()
    const revision = (await client.call('ping', {})).trim()
    return { url: client.connection.serverAddress, revision }
  }
}

/** A server that runs in a clone, as with `npm start`, has no build. */
const serverLine = ({ revision, url }: NonNullable<VersionRecord['server']>): string =>
  revision === 'unknown'
    ? `server without a build at ${url}\n`
    : `server build ${toSingleLine(revision)} at ${url}\n`

type VersionRecord = {
  version: string
  platform: string
  server: { url: string; revision: string } | null
}

const view: RecordView<VersionRecord> = {
  name: () => version,
  columns: {
    VERSION: () => version,
    PLATFORM: ({ platform }) => platform,
    SERVER: ({ server }) => server?.revision ?? '',
    URL: ({ server }) => server?.url ?? '',
  },
}
