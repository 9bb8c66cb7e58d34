/**
 * What create, update, archive, restore and cleanup share: refuse early what cannot be, ask config_check while the
 * user waits, begin, tell everybody, ring the bell. Steps 3 to 5 of the flow.
 */
import { begin, changedMeanwhile, type Intention, type Overrides } from '../../db/begin.ts'
import { isAway } from '../../db/errors.ts'
import { publishChange } from '../../db/events.ts'
import { recallKey } from '../../db/idempotency.ts'
import { peek } from '../../db/peek.ts'
import { actions, mayBegin, refusedMove } from '../../domain/action.ts'
import type { EndpointName } from '../../domain/api.ts'
import { Refusal } from '../../domain/errors.ts'
import type { Override } from '../../domain/overrides.ts'
import { headers } from '../../domain/places.ts'
import { askScripts } from '../ask.ts'
import { hinted } from '../hints.ts'
import type { Asked } from '../route.ts'
import type { Services } from '../services.ts'

type Wanted = Pick<Intention, 'kind' | 'name' | 'overrides' | 'revision'>
type By = Pick<Asked<EndpointName>, 'asker' | 'key' | 'beforehand' | 'asking'>

/** Answers once the action is accepted: its transaction has committed. Throws a Refusal otherwise. */
export async function accept(services: Services, by: By, wanted: Wanted): Promise<Response> {
  const { asker, key } = by
  if (services.closing.aborted)
    throw new Refusal('shutting_down', 'This server is shutting down; send it again.')
  const { before, configChecked } = await by.beforehand(() => look(services, by, wanted))
  if (before !== null) return accepted(before.actionId ?? 0)
  const { actionId, change } = await begin(services.db, { ...wanted, ...asker, key, configChecked })
  if (change !== null) {
    const { redis, settings } = services
    await hinted(services, [ring(services, actionId), publishChange(redis, settings.REDIS_PREFIX, change)])
  }
  return accepted(actionId)
}

/** What can be known before it begins: what its key did before, and whether it is refused. */
async function look(services: Services, { key, asking }: By, wanted: Wanted) {
  const before = key ? await recallKey(services.db, key) : null
  if (before !== null || !actions[wanted.kind].prepared) return { before, configChecked: false }
  try {
    return { before: null, configChecked: await preflight(services, asking, wanted) }
  } catch (error) {
    // Nor would the database tell of the key.
    if (isAway(error)) throw error
    // The same request, sent twice at once: what refuses this one may be what the other one has just begun.
    const meanwhile = key ? await recallKey(services.db, key) : null
    if (meanwhile === null) throw error
    return { before: meanwhile, configChecked: false }
  }
}

async function ring({ bells, log }: Services, actionId: number): Promise<void> {
  if (await bells.ring(actionId)) return
  log.warn({ actionId }, 'the bell could not be rung; a runner will find the action by itself')
}

export function accepted(actionId: number): Response {
  return Response.json(
    { tag: 'Success' },
    { headers: actionId > 0 ? { [headers.actionId]: String(actionId) } : {} },
  )
}

/** True: config_check said yes. False: it could not be asked (Redis is away); the runner asks before the script. */
async function preflight(services: Services, asking: By['asking'], wanted: Wanted): Promise<boolean> {
  const { kind, name } = wanted
  const there = await peek(services.db, name)
  if (kind === 'create') {
    if (there !== null) throw new Refusal('name_taken', `Deployment ${name} already exists.`)
  } else {
    if (there === null) throw new Refusal('no_such_deployment', `There is no deployment ${name}.`)
    if (there.busy) throw new Refusal('busy', `Deployment ${name} is currently being processed.`)
    if (!mayBegin(kind, there.status))
      throw new Refusal('impossible_move', refusedMove(kind, name, there.status))
    if (wanted.revision !== undefined && there.configRevision > wanted.revision) throw changedMeanwhile(name)
  }
  const overrides: Overrides = wanted.overrides ?? {
    app: there?.appOverrides ?? [],
    deployment: there?.deploymentOverrides ?? [],
  }
  const target = {
    name,
    appOverrides: [...overrides.app] as Override[],
    deploymentOverrides: [...overrides.deployment] as Override[],
  }
  const answer = await asking(() => askScripts(services, { ask: 'config_check', target }))
  if (answer === 'away') return false
  if (answer.is === 'refused') throw new Refusal('config_refused', answer.words, { plain: true })
  if (answer.is === 'failed') throw new Refusal('script_failed', answer.words)
  return true
}
