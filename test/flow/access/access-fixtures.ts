/** Deployments of every owner, each with an action that never ends: what is allowed is answered with 409 and changes nothing. */
import type pg from 'pg'
import type { Caller } from './access-callers.ts'
import type { TargetKind } from './access-table.ts'

export type Target = TargetKind & { name: string; actionId: number; ownerSubject: string | null }

const stranger = { issuer: 'https://elsewhere.example', subject: 'stranger' }

/** The targets of a caller. Every caller has own ones; those of nobody and of somebody else are shared. */
export async function createTargets(
  client: pg.Client,
  callers: readonly Caller[],
): Promise<(caller: Caller) => Target[]> {
  await client.query(`insert into people (issuer, subject, name) values ($1, $2, 'A Stranger')`, [
    stranger.issuer,
    stranger.subject,
  ])
  for (const { person } of callers)
    if (person?.issuer === 'proxy')
      await client.query(`insert into people (issuer, subject, name) values ($1, $2, $2)`, [
        person.issuer,
        person.subject,
      ])
  const insert = async (
    name: string,
    kind: TargetKind,
    owner: { issuer: string; subject: string } | null,
  ): Promise<Target> => {
    const { rows } = await client.query<{ id: number }>(
      `insert into deployments (name, status, app_overrides, deployment_overrides, links, owner_issuer, owner_subject, owner_name)
       values ($1, 'UpdatePending', '[]', '[]', '[]', $2, $3, $3) returning id::int`,
      [name, owner?.issuer ?? null, owner?.subject ?? null],
    )
    const deploymentId = rows[0]?.id
    const action = await client.query<{ id: number }>(
      `insert into actions (deployment_id, kind, app_overrides, deployment_overrides, state, actor, source, proof, runner,
         fencing_token, writer_token, lease_expires_at, started_at)
       values ($1, 'update', '[]', '[]', 'running', 'somebody', 'api', 'shared', 'none', 1, 1, now() + interval '1 day', now())
       returning id::int`,
      [deploymentId],
    )
    return { ...kind, name, actionId: action.rows[0]?.id ?? 0, ownerSubject: owner?.subject ?? null }
  }
  const shared: Target[] = []
  const own = new Map<Caller, Target[]>()
  for (const [place, prefix] of [
    ['inside', 'in'],
    ['outside', 'out'],
  ] as const) {
    shared.push(await insert(`${prefix}-unowned`, { place, owner: 'nobody' }, null))
    shared.push(await insert(`${prefix}-others`, { place, owner: 'somebody else' }, stranger))
    shared.push({
      place,
      owner: 'missing',
      name: `${prefix}-missing`,
      actionId: 999_999,
      ownerSubject: null,
    })
    for (const [at, caller] of callers.entries()) {
      if (caller.person === null) continue
      const target = await insert(`${prefix}-own${at}`, { place, owner: 'own' }, caller.person)
      own.set(caller, [...(own.get(caller) ?? []), target])
    }
  }
  return (caller) => [...shared, ...(own.get(caller) ?? [])]
}

/** A session that a test may end; `person` null: one of somebody else. */
export async function insertSession(client: pg.Client, person: Caller['person']): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    `insert into sessions (token_hash, proof, issuer, subject, name, expires_at, address)
     values (decode(md5(random()::text) || md5(random()::text), 'hex'), 'oidc', $1, $2, 'x', now() + interval '1 hour', '::1')
     returning id::int`,
    [person?.issuer ?? stranger.issuer, person?.subject ?? stranger.subject],
  )
  return rows[0]?.id ?? 0
}
