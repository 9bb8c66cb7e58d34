/** Fills a database with deployments that look like life: overrides, a link, a finished action each. */
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

/** Returns the names. No check is due. */
export async function seed(
  databaseUrl: string,
  { count, status = 'Running', prefix = 'd' }: Seed,
): Promise<string[]> {
  await query(
    databaseUrl,
    `insert into deployments (name, status, app_overrides, deployment_overrides, links, next_check_at)
     select $1 || n, $2, $3, '[]', $4, 'infinity' from generate_series(1, $5::int) n`,
    [`${prefix}-`, status, overrides, links, count],
  )
  await query(databaseUrl, `${finishedAction} from deployments d where name like $1`, [`${prefix}-%`])
  // As autovacuum would soon do.
  await query(databaseUrl, 'vacuum analyze')
  return Array.from({ length: count }, (_, at) => `${prefix}-${at + 1}`)
}

const finishedAction = `
  insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
    started_at, finished_at, exit_code)
  select d.id, 'create', 'succeeded', d.app_overrides, d.deployment_overrides, 'somebody', 'page', now(), now(), 0`

/** Gives one deployment a history of so many finished actions more. */
export async function addHistory(databaseUrl: string, name: string, count: number): Promise<void> {
  await query(
    databaseUrl,
    `${finishedAction} from deployments d, generate_series(1, $2::int) where d.name = $1`,
    [name, count],
  )
  await query(databaseUrl, 'vacuum analyze')
}

/** As if nothing had been asked: no action under way, every deployment in `status`. */
export async function resetActions(databaseUrl: string, status: string): Promise<void> {
  await query(
    databaseUrl,
    `update actions set state = 'succeeded', finished_at = now(), lease_expires_at = null, writer_token = fencing_token
     where state in ('queued', 'running')`,
  )
  await query(
    databaseUrl,
    `update deployments set status = $1, next_check_at = 'infinity', revision = default`,
    [status],
  )
}
