/** `octo apply`: creates and updates the deployments of a file. Loaded by run.ts. */
import { Option } from 'clipanion'
import { describeNameError, longestNameLength } from '../../../domain/deployment-name.ts'
import { overridesToWire } from '../../../domain/overrides.ts'
import { readNameMaxLength } from '../../api/deployment-names.ts'
import type { ApiClient } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseDurationMs } from '../../cli/duration.ts'
import { createInputReader } from '../../cli/stdin.ts'
import type { Difference } from '../../config/diff.ts'
import { CliError } from '../../errors/cli-error.ts'
import { parseLabels, parseTitle } from '../../labels/parse-labels.ts'
import type { RecordView } from '../../output/formatter.ts'
import { createProgress } from '../../output/progress.ts'
import type { Terminal } from '../../output/terminal-text.ts'
import type { ApplyEntry } from '../../overrides/overrides-file.ts'
import { strictOption } from '../../overrides/parse-overrides.ts'
import { type Plan, planDifferences } from '../../overrides/plan-change.ts'
import { differsInLabels, planEntries } from '../../overrides/plan-entries.ts'
import { differenceLines } from '../../overrides/show-differences.ts'

export class Apply extends ApiCommand {
  static override paths = [['apply']]
  static override usage = ApiCommand.Usage({
    description: 'create and update the deployments of a file',
    details: `
      A YAML file with one document for each deployment: name, and optionally title, labels, app and deployment. Creates those that do
      not exist, updates those that differ, and leaves the others unchanged. Keeps overrides and labels that the file does not name;
      --prune removes such overrides. When one entry is wrong or not possible, nothing is begun.
    `,
    examples: [
      ['Create and update', '$0 apply -f deployments.yaml'],
      ['What would happen?', '$0 apply -f deployments.yaml --dry-run'],
      ['From a template, in CI', 'envsubst < preview.yaml | octo apply -f - --wait'],
    ],
  })

  files = Option.Array('-f,--file', [], { description: 'YAML file of deployments, - for stdin; repeatable' })
  prune = Option.Boolean('--prune', false, { description: 'remove overrides that the file does not name' })
  dryRun = Option.Boolean('--dry-run', false, {
    description: 'change nothing, and print which config values would differ',
  })
  strict = strictOption()
  wait = Option.Boolean('--wait', false, { description: 'wait until the deployments run' })
  timeout = Option.String('--timeout', { description: 'how long to wait, such as 90s or 15m (default 1h)' })
  reason = Option.String('--reason', { description: 'reason, stored with the actions' })
  quiet = Option.Boolean('-q,--quiet', false, { description: 'no progress on stderr' })

  /** Asked once, for the first invalid name. */
  #nameMaxLength: Promise<number> | null = null

  protected async run(): Promise<void> {
    if (this.files.length === 0) throw new CliError('usage', 'apply needs -f FILE.')
    if (this.timeout !== undefined && !this.wait) throw new CliError('usage', '--timeout needs --wait.')
    const deadlineMs = performance.now() + parseDurationMs('--timeout', this.timeout ?? '1h')
    const entries = await this.readEntries()
    const client = await this.client()
    const planned = await planEntries(client, entries, {
      prune: this.prune,
      strict: this.strict,
      note: (text) => this.note(text),
    })
    const results: Applied[] = []
    for (const { entry, plan } of planned) {
      const applied = this.dryRun ? await preview(client, plan) : await this.apply(client, entry, plan)
      results.push(applied)
      if (this.format === null) await this.print(this.toLines(applied))
    }
    if (this.wait) await this.waitFor(client, results, deadlineMs)
    await this.printResult(this.toFailure(results), async () => {
      if (this.format === null) return
      await this.printRecords(results.map(toRecord), view, this.format)
    })
  }

  private async readEntries(): Promise<ApplyEntry[]> {
    const readSource = createInputReader(this.context.stdin)
    const { parseApplyFile } = await import('../../overrides/overrides-file.ts')
    const entries: ApplyEntry[] = []
    const problems: CliError[] = []
    for (const path of this.files) {
      const file = parseApplyFile(path === '-' ? 'stdin' : path, await readSource('-f', path))
      entries.push(...file.entries)
      problems.push(...file.problems)
    }
    // An entry that could not be read may miss its name.
    const hasNames = problems.length === 0
    const seen = new Set<string>()
    for (const entry of entries) {
      if (hasNames || entry.name !== '') problems.push(...(await this.problemsOf(entry, seen)))
      seen.add(entry.name)
    }
    if (problems.length > 0) throw toOneError(problems)
    if (entries.length === 0) throw new CliError('usage', 'There is no deployment in the file.')
    return entries
  }

  private async problemsOf(entry: ApplyEntry, seen: ReadonlySet<string>): Promise<CliError[]> {
    const { name, position, labels = {}, title } = entry
    const nameError = (await this.nameError(name)) ?? (seen.has(name) ? `${name} is there twice.` : null)
    const named = nameError === null ? [] : [new CliError('usage', `${position}: ${nameError}`)]
    try {
      parseLabels(Object.entries(labels).map(([key, value]) => `${key}=${value}`))
      parseTitle(title)
      return named
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      return [...named, new CliError('usage', `${position}: ${error.message}`)]
    }
  }

  /** The server knows how long a name to offer may be. Without a server the file is still wrong. */
  private async nameError(name: string): Promise<string | null> {
    const error = describeNameError(name, longestNameLength)
    if (error === null) return null
    this.#nameMaxLength ??= this.client().then(readNameMaxLength, () => longestNameLength)
    return describeNameError(name, await this.#nameMaxLength) ?? error
  }

  /** The failure of one deployment does not stop the others. */
  private async apply(
    client: ApiClient,
    entry: ApplyEntry,
    { name, info, result, ...plan }: Plan,
  ): Promise<Applied> {
    const params = { name }
    const options = { reason: this.reason }
    const overrides = overridesToWire({
      application: [...plan.after.application],
      deployment: [...plan.after.deployment],
    })
    const applied: Applied = { name, result, actionId: null, differences: [], failure: null }
    try {
      if (info === null) {
        const body = { ...params, ...overrides, labels: entry.labels, title: entry.title }
        return {
          ...applied,
          actionId: (await client.request('createDeployment', { body }, options)).actionId,
        }
      }
      if (plan.changesOverrides) {
        const request = { params, body: overrides }
        const conditional = { ...options, revision: info.revision }
        applied.actionId = (await client.request('updateDeployment', request, conditional)).actionId
      }
      if (differsInLabels(entry, info))
        await client.call('changeLabels', {
          params,
          body: {
            set: entry.labels ?? {},
            title: entry.title === undefined ? undefined : entry.title || null,
          },
        })
      return applied
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      return { ...applied, result: 'failed', failure: error }
    }
  }

  private toLines({ name, result, actionId, differences }: Applied): string {
    const action = actionId === null ? '' : ` (action ${actionId})`
    const verb = this.dryRun && result !== 'unchanged' ? `would be ${result}` : result
    return `${name} ${verb}${action}\n${differenceLines(differences, this.context)}`
  }

  /** All actions run already, so it does not matter in which order they are waited for. */
  private async waitFor(client: ApiClient, results: readonly Applied[], deadlineMs: number): Promise<void> {
    const { waitAndFollow } = await import('../../actions/wait-and-follow.ts')
    const { createInterruptHandler } = await import('../../actions/interrupt-handler.ts')
    const { stderr, env } = this.context
    for (const applied of results) {
      const { name, actionId } = applied
      if (actionId === null) continue
      const progress = createProgress(stderr as unknown as Terminal, env, this.quiet)
      const interruptHandler = createInterruptHandler(client, { name, progress, cancelOnInterrupt: false })
      interruptHandler.track(actionId)
      const target = { name, targetState: 'Running' as const, actionId }
      const options = { follow: false, interruptHandler, progress, deadlineMs }
      const { failure } = await waitAndFollow(client, target, options)
      interruptHandler.close()
      progress.end()
      if (!(failure instanceof Error)) continue
      applied.result = 'failed'
      applied.failure = failure
    }
  }

  /** The failure of one deployment, or a summary after a line for each. */
  private toFailure(results: readonly Applied[]): Error | null {
    const failures = results.flatMap(({ name, failure }) => (failure === null ? [] : [{ name, failure }]))
    const [first, second] = failures
    if (first === undefined || second === undefined) return first?.failure ?? null
    for (const { name, failure } of failures) this.note(`${name}: ${failure.message}`)
    const kind = first.failure instanceof CliError ? first.failure.kind : 'failed'
    return new CliError(kind, `${failures.length} of ${results.length} deployments failed.`)
  }
}

/** Names all that is wrong in the files. */
function toOneError(problems: readonly CliError[]): CliError {
  const [first, ...rest] = problems
  if (first !== undefined && rest.length === 0) return first
  const error = new CliError('usage', `Nothing was begun: ${problems.length} places are wrong.`)
  // Each begins with file and line.
  error.details = problems
    .map(({ message }) => message)
    .sort(new Intl.Collator('en', { numeric: true }).compare)
  return error
}

type Applied = {
  name: string
  result: Plan['result'] | 'failed'
  actionId: number | null
  /** With --dry-run. */
  differences: Difference[]
  failure: Error | null
}

async function preview(client: ApiClient, plan: Plan): Promise<Applied> {
  const { name, result, changesOverrides } = plan
  const differences = changesOverrides ? await planDifferences(client, plan) : []
  return { name, result, actionId: null, differences, failure: null }
}

type ResultRecord = Pick<Applied, 'name' | 'result' | 'differences'> & {
  action_id: number | null
  error: string | null
}

const toRecord = ({ name, result, actionId, failure, differences }: Applied): ResultRecord => ({
  name,
  result,
  action_id: actionId,
  error: failure?.message ?? null,
  differences,
})

const view: RecordView<ResultRecord> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    RESULT: ({ result }) => result,
    ID: ({ action_id }) => (action_id === null ? '' : String(action_id)),
    ERROR: ({ error }) => error ?? '',
  },
}
