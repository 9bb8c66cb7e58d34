/** `octo doctor`: checks settings, server, credential, websocket, output stream and history. Loaded by run.ts. */
import { toPlainText } from '../../lib/terminal/text.ts'
import type { ApiClient, Connection } from '../api/types.ts'
import { ApiCommand } from '../cli/api-command.ts'
import { type CheckResult, failedCheck, toResult } from '../doctor/result.ts'
import { CliError, exitCodes } from '../errors/cli-error.ts'
import type { RecordView } from '../output/formatter.ts'

export class Doctor extends ApiCommand {
  static override paths = [['doctor']]
  static override usage = ApiCommand.Usage({
    description: 'find problems with the connection to the server',
    details: `
      Checks the settings, the server, the credential, your role, the clock, the policy, the websocket and the output stream, through
      the proxy if there is one, and prints each problem. Shows how large the stored output is and which settings limit it. For admins it
      also prints what the servers find about runners, stores, control scripts and more. Ends with the exit code of the first problem; a
      warning is none.
    `,
    examples: [['What is wrong?', '$0 doctor']],
  })

  protected async run(): Promise<number> {
    const findings = await this.runChecks()
    if (this.format !== null) await this.printRecords(findings, view, this.format)
    else for (const finding of findings) await this.print(formatResult(finding))
    const failed = findings.find(({ result }) => result === 'bad')
    return failed === undefined ? 0 : exitCodes[failed.kind ?? 'failed']
  }

  private async runChecks(): Promise<CheckResult[]> {
    let client: ApiClient
    try {
      const connection = await this.connection()
      client = await this.client()
      const { runDoctorChecks } = await import('../doctor/checks.ts')
      return [settingsResult(connection, this.context.env), ...(await runDoctorChecks(client))]
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      return [failedCheck('settings', error)]
    }
  }
}

function settingsResult(connection: Connection, environment: NodeJS.ProcessEnv): CheckResult {
  const { proxyHost, credentialSource } = connection
  const variable = 'OCTO_AUTHORIZATION_HEADER'
  const isIgnored = credentialSource !== variable && (environment[variable]?.trim() ?? '') !== ''
  const details = [
    `${connection.serverAddress} from ${connection.urlSource}`,
    ...(proxyHost === null ? [] : [`through the proxy ${proxyHost} unless NO_PROXY excludes the host`]),
    ...(connection.caFile === null ? [] : [`trusts ${connection.caFile}`]),
    connection.idTokenSource !== null
      ? `exchanges ${connection.idTokenSource.name}`
      : connection.authorization === null
        ? 'no credential'
        : `credential from ${credentialSource}`,
    ...(isIgnored ? [`${variable} is ignored, because it belongs to OCTOPOD_URL`] : []),
  ]
  return toResult('settings', { detail: details.join(', ') })
}

function formatResult({ check, result, detail, remedy, link }: CheckResult): string {
  const below = [remedy, link].flatMap((text) => (text === null ? [] : `${' '.repeat(20)}${text}\n`))
  return `${result.padEnd(8)}${check.padEnd(12)}${toPlainText(detail)}\n${below.join('')}`
}

const view: RecordView<CheckResult> = {
  name: ({ check }) => check,
  columns: {
    CHECK: ({ check }) => check,
    RESULT: ({ result }) => result,
    DETAIL: ({ detail }) => detail,
    REMEDY: ({ remedy }) => remedy ?? '',
    CODE: ({ code }) => code ?? '',
  },
}
