/** Handler of /whoami: shows users, the page and octo who the server sees and what it lets them do. */
import { decide, highestRole } from '../../domain/access/roles.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { recordedPerson } from './identity.ts'
import { toWireGrant } from './permissions.ts'

export const whoami: EndpointHandler<'whoami'> = async (
  { settings, auth, appLogAvailability },
  { identity, actor, header },
) => {
  const { grants, respectsOwners, outputReaders } = identity.permissions
  const authorization = header('authorization')
  const recorded = recordedPerson(identity)
  return {
    role: highestRole(grants),
    actor: actor.actor,
    claimed_actor: actor.claimedActor,
    proof: identity.proof,
    issuer: recorded?.issuer ?? null,
    subject: recorded?.subject ?? null,
    email: identity.email,
    groups: [...identity.groups],
    grants: grants.map(toWireGrant),
    respects_owners: respectsOwners,
    output_readers: outputReaders,
    has_session: identity.session !== null,
    source: actor.source,
    project: settings.PROJECT_NAME,
    name_max_length: settings.NAME_MAX_LENGTH,
    can_read_output: decide(identity.permissions, 'read_output').isAllowed,
    credential_recognized: authorization
      ? identity.token !== null || auth.credentials.match(authorization) !== null
      : null,
    has_app_logs: await appLogAvailability.read(),
  }
}
