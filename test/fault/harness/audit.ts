/** Reads the audit log at the end of a fault test: its entries from the database, the state of its chain from a server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { apiPrefix } from '../../../domain/endpoints.ts'
import type { RecordedAudit } from '../checker/history.ts'
import type { Journal } from './postgres/journal.ts'
import { adminHeader } from './programs.ts'

/** A runner seals committed entries every few seconds. */
const sealTimeoutMs = 20_000

/** Null without a server. */
export async function readAudit(
  journal: Journal,
  serverUrl: string | undefined,
): Promise<RecordedAudit | null> {
  if (serverUrl === undefined) return null
  const problems = await waitUntilSealed(journal)
  const rows = await journal.query(`select action_id::int, outcome, request_id from audit_entries
    where outcome = 'refused' or (action_id is not null and operation in ('create', 'update', 'archive', 'restore', 'cleanup', 'retry'))`)
  const accepted = rows.filter(({ outcome }) => outcome === 'accepted')
  const refused = rows.filter(({ outcome }) => outcome === 'refused')
  return {
    actions: accepted.map(({ action_id }) => Number(action_id)),
    // Unidentified callers have no request id: they are counted.
    refusals: refused.flatMap(({ request_id }) => (request_id === null ? [] : [String(request_id)])),
    problems: [...problems, ...(await verify(serverUrl))],
  }
}

async function waitUntilSealed(journal: Journal): Promise<string[]> {
  const deadline = performance.now() + sealTimeoutMs
  for (;;) {
    const [row] = await journal.query('select count(*)::int from audit_unsealed')
    if (row?.count === 0) return []
    if (performance.now() > deadline)
      return [`${row?.count} entries are not sealed after ${sealTimeoutMs} ms`]
    await sleep(300)
  }
}

type Page = { problems: { message: string }[]; next_after: number | null }

async function verify(serverUrl: string): Promise<string[]> {
  const problems: string[] = []
  for (let after: number | null = 0; after !== null; ) {
    const response: Response = await fetch(`${serverUrl}${apiPrefix}/audit/verify?after=${after}`, {
      headers: { Authorization: adminHeader },
    })
    if (!response.ok) return [...problems, `verify answers ${response.status}: ${await response.text()}`]
    const page = (await response.json()) as Page
    problems.push(...page.problems.map(({ message }) => message))
    after = page.next_after
  }
  return problems
}
