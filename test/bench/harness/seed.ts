/** Fills a database with realistic deployments: overrides, links, and a finished action each. */
import { query } from './datastores.ts'

export type Seed = { count: number; status?: string; prefix?: string }

const overrides = JSON.stringify([
  ['image.tag', { tag: 'ValueAdded', contents: 'feature-1234' }],
  ['replicas', { tag: 'ValueAdded', contents: '2' }],
])
const links = JSON.stringify([
  { name: 'app', link: 'https://app.example.com' },
  { name: 'logs', link: 'https://logs.example.com/app' },
])

/** Resolves with the names. No check is due. */
export async function seed(
  databaseUrl: string,
  { count, status = 'Running', prefix = 'd' }: Seed,
): Promise<string[]> {
  await query(
    databaseUrl,
    `insert into deployments (name, status, app_overrides, deployment_overrides, links)
     select $1 || n, $2, $3, '[]', $4 from generate_series(1, $5::int) n`,
    [`${prefix}-`, status, overrides, links, count],
  )
  await query(databaseUrl, planNoCheck)
  await query(databaseUrl, `${finishedAction} from deployments d where name like $1`, [`${prefix}-%`])
  // Autovacuum would do this a little later.
  await query(databaseUrl, 'vacuum analyze')
  return Array.from({ length: count }, (_, at) => `${prefix}-${at + 1}`)
}

/** Deployments with such a name keep their status and the plan of their check (blocked-check.ts). */
export const blockedNamePrefix = 'blocked-check-'
const isBlocked = `name like '${blockedNamePrefix}%'`

const planNoCheck = `
  update deployment_checks set next_check_at = 'infinity' from deployments where id = deployment_id and not ${isBlocked}`

const finishedAction = `
  insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
    started_at, finished_at, exit_code)
  select d.id, 'create', 'succeeded', d.app_overrides, d.deployment_overrides, 'somebody', 'page', now(), now(), 0`

/** Adds `count` finished actions to one deployment. */
export async function addHistory(databaseUrl: string, name: string, count: number): Promise<void> {
  await query(
    databaseUrl,
    `${finishedAction} from deployments d, generate_series(1, $2::int) where d.name = $1`,
    [name, count],
  )
  await query(databaseUrl, 'vacuum analyze')
}

/** Ends all actions and gives every deployment `status`, so that the next round starts from the same state. */
export async function resetActions(databaseUrl: string, status: string): Promise<void> {
  await query(
    databaseUrl,
    `update actions set state = 'succeeded', finished_at = now(), lease_expires_at = null, writer_token = fencing_token
     where state in ('queued', 'running')`,
  )
  await query(databaseUrl, `update deployments set status = $1, revision = default where not ${isBlocked}`, [
    status,
  ])
  await query(databaseUrl, planNoCheck)
}
