/** `octo doctor`: address, credential, websocket and output stream, one after the other. Loaded by run.ts. */
import type { Octopod } from '../client.ts'
import type { Connection } from '../connection.ts'
import type { Finding } from '../diagnosis.ts'
import { exitCodes, Failure } from '../failure.ts'
import { place } from '../fault.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'
import { shownProxy } from '../proxies.ts'

export class Doctor extends OnlineCommand {
  static override paths = [['doctor']]
  static override usage = OnlineCommand.Usage({
    description: 'find out what is wrong with the way to the server',
    details: `
      Looks at the settings, the server, the credential, the websocket and the stream of output, through whatever proxy
      there is, and says for each what is wrong. Ends with the exit code of the first thing that is.
    `,
    examples: [['What is wrong?', '$0 doctor']],
  })

  protected async act(): Promise<number> {
    const findings = await this.findings()
    if (this.format !== null) await this.tell(findings, look, this.format)
    else for (const finding of findings) this.print(linesOf(finding))
    const bad = findings.find(({ result }) => result === 'bad')
    return bad === undefined ? 0 : exitCodes[bad.kind ?? 'failed']
  }

  private async findings(): Promise<Finding[]> {
    let octopod: Octopod
    try {
      const connection = await this.connection()
      octopod = await this.octopod()
      const { diagnose } = await import('../diagnosis.ts')
      return [wayOf(connection), ...(await diagnose(octopod))]
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      return [
        { check: 'settings', result: 'bad', detail: error.message, remedy: error.remedy, kind: error.kind },
      ]
    }
  }
}

function wayOf(connection: Connection): Finding {
  const proxy = shownProxy(connection.proxies, connection.origin)
  const ways = [
    `${place(connection)} from ${connection.from}`,
    ...(proxy === null ? [] : [`through the proxy ${proxy} unless NO_PROXY says otherwise`]),
    ...(connection.caFile === null ? [] : [`trusting ${connection.caFile}`]),
    connection.authorization === null ? 'no credential' : `credential from ${connection.credentialFrom}`,
  ]
  return { check: 'settings', result: 'ok', detail: ways.join(', '), remedy: null, kind: null }
}

function linesOf({ check, result, detail, remedy }: Finding): string {
  const line = `${result.padEnd(8)}${check.padEnd(12)}${detail}\n`
  return remedy === null ? line : `${line}${' '.repeat(20)}${remedy}\n`
}

const look: Look<Finding> = {
  name: ({ check }) => check,
  columns: {
    CHECK: ({ check }) => check,
    RESULT: ({ result }) => result,
    DETAIL: ({ detail }) => detail,
    REMEDY: ({ remedy }) => remedy ?? '',
  },
}
