/**
 * What wrong code would write, tried by a hand of its own while actions run: a second active action, a start, an end, a
 * renewal and output with an epoch that is over. The database must refuse all of it by itself.
 */
import type { World } from '../rig/world.ts'

/** Each with the id of an action under way. The checker tells whether one was accepted; here only that all were tried. */
const writes: Record<string, string> = {
  'a second action of the deployment': `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides,
    actor, source, config_checked) select deployment_id, kind, 'queued', app_overrides, deployment_overrides, actor, 'wrong', true
    from actions where id = $1`,
  'output with an older epoch': `insert into action_output (action_id, seq, stream, text, lease_epoch)
    select id, 1000000, 'stdout', 'wrong', lease_epoch - 1 from actions where id = $1`,
  'output with an epoch to come': `insert into action_output (action_id, seq, stream, text, lease_epoch)
    select id, 1000001, 'stdout', 'wrong', lease_epoch + 1 from actions where id = $1`,
  'an end with an older epoch': `update actions set state = 'failed', finished_at = now(), lease_epoch = lease_epoch - 1,
    lease_expires_at = null where id = $1`,
  'taking what is held': `update actions set lease_epoch = lease_epoch + 1, lease_expires_at = now() + interval '1 minute'
    where id = $1`,
  'putting it back into the queue': `update actions set state = 'queued', started_at = null where id = $1`,
}

/** Resolves with what was refused, write → the database's words; what is missing there was accepted. */
export async function tryWrongWrites(world: World, action: number): Promise<Record<string, string>> {
  const refused: Record<string, string> = {}
  for (const [what, statement] of Object.entries(writes))
    await world.journal.query(statement, [action]).catch((error: Error) => {
      refused[what] = error.message
    })
  return refused
}

/** The same for an action that has ended. */
export async function tryWrongAfterTheEnd(world: World, action: number): Promise<Record<string, string>> {
  const refused: Record<string, string> = {}
  const after = {
    'changing what has ended': `update actions set state = 'failed' where id = $1`,
    'output after the end': `insert into action_output (action_id, seq, stream, text, lease_epoch)
      select id, 1000002, 'stdout', 'wrong', lease_epoch from actions where id = $1`,
  }
  for (const [what, statement] of Object.entries(after))
    await world.journal.query(statement, [action]).catch((error: Error) => {
      refused[what] = error.message
    })
  return refused
}
