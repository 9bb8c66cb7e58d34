/**
 * What most benchmarks begin with: a database of their own, separate Redis prefixes for Octopod and the
 * baseline, and typical requests.
 */
import type { HttpRequest } from '../load-generator/tasks.ts'
import type { Bench } from './bench.ts'
import { query } from './datastores.ts'
import { authorization, type StoreAddresses } from './programs.ts'

/** Octopod and the baseline use different prefixes, so neither receives the messages of the other. */
export type Fixture = { octopod: StoreAddresses; baseline: StoreAddresses }

export async function createFixture(bench: Bench): Promise<Fixture> {
  const name = bench.uniqueName('bench')
  const databaseUrl = await bench.datastores.createDatabase(name)
  await query(
    databaseUrl,
    `create table baseline_actions (id bigserial primary key, deployment text not null, state text not null,
       exit_code int, output text, created_at timestamptz not null default now(), finished_at timestamptz)`,
  )
  return { octopod: { databaseUrl, prefix: name }, baseline: { databaseUrl, prefix: `${name}-baseline` } }
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
