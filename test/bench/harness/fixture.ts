/** What most scenes begin with: a database of their own with deployments, our programs and the floor's beside them. */
import type { HttpRequest } from '../load-generator/tasks.ts'
import type { Bench } from './bench.ts'
import { query } from './datastores.ts'
import { authorization, type StoreAddresses } from './programs.ts'

/** Ours and the floor's do not hear each other. */
export type Fixture = { ours: StoreAddresses; baseline: StoreAddresses }

export async function createFixture(bench: Bench): Promise<Fixture> {
  const name = bench.uniqueName('scene')
  const databaseUrl = await bench.datastores.createDatabase(name)
  await query(
    databaseUrl,
    `create table floor_actions (id bigserial primary key, deployment text not null, state text not null,
       exit_code int, output text, created_at timestamptz not null default now(), finished_at timestamptz)`,
  )
  return { ours: { databaseUrl, prefix: name }, baseline: { databaseUrl, prefix: `${name}-floor` } }
}

const headers = { authorization }

export const get = (path: string, etag?: string): HttpRequest => ({
  method: 'GET',
  path,
  headers: etag ? { ...headers, 'if-none-match': etag } : headers,
})
export const archive = (name: string): HttpRequest => ({
  method: 'DELETE',
  path: `/api/v1/deployments/${name}`,
  headers,
})
export const update = (name: string, path = `/api/v1/deployments/${name}`): HttpRequest => ({
  method: 'PUT',
  path,
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify({
    app_overrides: [
      ['image.tag', { tag: 'ValueAdded', contents: 'feature-1234' }],
      ['replicas', { tag: 'ValueAdded', contents: '2' }],
    ],
    deployment_overrides: [],
  }),
})
