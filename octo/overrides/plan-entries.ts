/** Plans the entries of a file before any of them is begun. Called by apply. */
import { describeNameError } from '../../domain/deployment-name.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { createSemaphore } from '../../lib/semaphore.ts'
import { readNameMaxLength } from '../api/deployment-names.ts'
import type { ApiClient } from '../api/types.ts'
import { createKeyCheck } from '../config/key-check.ts'
import { CliError } from '../errors/cli-error.ts'
import type { ApplyEntry } from './overrides-file.ts'
import { type Plan, planChange, requirePossible } from './plan-change.ts'

export type Planned = { entry: ApplyEntry; plan: Plan }
/** `warnings`: of the check of its keys. Either the plan or the failure is null. */
type Result = {
  entry: ApplyEntry
  plan: Plan | null
  warnings: readonly string[]
  failure: CliError | null
}
type Options = { prune: boolean; strict: boolean; note(text: string): void }

/** Planning an entry takes some requests after each other. A caller may have 16 script queries at a time. */
const planConcurrency = 4

/** In the order of the entries. Throws one error about all entries that are not possible. */
export async function planEntries(
  client: ApiClient,
  entries: readonly ApplyEntry[],
  options: Options,
): Promise<Planned[]> {
  const nameMaxLength = readNameMaxLength(client)
  const slots = createSemaphore(planConcurrency)
  const planWithSlot = async (entry: ApplyEntry): Promise<Result | null> => {
    // Another entry has found out that none can be planned.
    if (!(await slots.acquire())) return null
    try {
      return await planEntry(client, entry, nameMaxLength, options)
    } catch (error) {
      slots.close()
      throw error
    } finally {
      slots.release()
    }
  }
  const results = (await Promise.all(entries.map(planWithSlot))).filter((result) => result !== null)
  for (const { entry, warnings } of results)
    for (const text of warnings) options.note(`${entry.name}: ${text}`)
  const failures = results.flatMap(({ failure }) => failure ?? [])
  const [first] = failures
  if (first === undefined)
    return results.flatMap(({ entry, plan }) => (plan === null ? [] : [{ entry, plan }]))
  const failure = new CliError(
    first.kind,
    `Nothing was begun: ${failures.length} of ${entries.length} are not possible.`,
  )
  failure.details = failures.map(({ message }) => message)
  throw failure
}

async function planEntry(
  client: ApiClient,
  entry: ApplyEntry,
  nameMaxLength: Promise<number>,
  { prune, strict }: Options,
): Promise<Result> {
  const warnings: string[] = []
  try {
    const plan = await planChange(client, entry.name, entry.overrides, prune)
    if (plan.info === null) requireName(entry.name, await nameMaxLength)
    await requirePossible(client, plan)
    const keyCheck = createKeyCheck(strict, (text) => warnings.push(text))
    if (plan.result !== 'unchanged') await keyCheck.begin(client, { set: entry.overrides })
    await keyCheck.report()
    return { entry, plan: withLabels(entry, plan), warnings, failure: null }
  } catch (error) {
    const isOfEntry = error instanceof CliError && ['refused', 'not_allowed', 'usage'].includes(error.kind)
    if (!isOfEntry) throw error
    const failure = new CliError(error.kind, `${entry.position}: ${entry.name}: ${error.message}`)
    return { entry, plan: null, warnings, failure }
  }
}

function requireName(name: string, maxLength: number): void {
  const error = describeNameError(name, maxLength)
  if (error !== null) throw new CliError('usage', error)
}

function withLabels(entry: ApplyEntry, plan: Plan): Plan {
  const isUpdated = plan.info !== null && differsInLabels(entry, plan.info)
  return isUpdated ? { ...plan, result: 'updated' } : plan
}

/** Labels that the file does not name do not count. */
export function differsInLabels({ labels = {}, title }: ApplyEntry, info: FullInfo): boolean {
  const hasOtherTitle = title !== undefined && title !== (info.title ?? '')
  return hasOtherTitle || Object.entries(labels).some(([key, value]) => info.labels?.[key] !== value)
}
