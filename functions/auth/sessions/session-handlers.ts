/** Handlers of /sessions: a person sees and ends the own sessions, an admin those of everybody. */
import { listSessions as findSessions } from '../../../db/queries/access/sessions.ts'
import { decide } from '../../../domain/access/roles.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { EndpointHandler, EndpointRequest } from '../../http/endpoint-handler.ts'
import type { Services } from '../../services.ts'
import { requireRight } from '../require-right.ts'

export const listSessions: EndpointHandler<'listSessions'> = async (services, request) => {
  const found = await visibleSessions(services, request, request.query.all === 'true')
  return found.map(({ tokenHash, ...session }) => ({
    ...session,
    is_current: tokenHash === request.identity.session?.hash,
  }))
}

export const endSession: EndpointHandler<'endSession'> = async (services, request) => {
  const id = request.param('session_id')
  const own = await visibleSessions(services, request, false)
  const isOwn = ({ session_id }: { session_id: number }) => String(session_id) === id
  let target = own.find(isOwn)
  if (target === undefined && decide(request.identity.permissions, 'manage_sessions').isAllowed)
    target = (await visibleSessions(services, request, true)).find(isOwn)
  if (target === undefined)
    throw new ApiError('no_such_session', `There is no session ${id.slice(0, 40)} of yours.`)
  await services.auth.sessions.end(target.tokenHash, request.actor)
  return { tag: 'Success' as const }
}

type Request = Pick<EndpointRequest<'endSession'>, 'identity'>

async function visibleSessions({ db, settings }: Services, { identity }: Request, all: boolean) {
  if (all) requireRight(settings, identity, 'manage_sessions')
  else if (identity.person === null) return []
  return findSessions(db, all ? null : identity.person, settings.SESSION_IDLE_TIMEOUT)
}
