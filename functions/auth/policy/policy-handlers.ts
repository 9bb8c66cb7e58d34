/** Handlers of /policy: admins see the policy in use, and everyone can ask what a right needs. */
import { findGroups, requirePerson } from '../../../db/queries/access/people.ts'
import { readDeploymentOwner } from '../../../db/queries/deployments.ts'
import { describeRule } from '../../../domain/access/policy.ts'
import { refusalMessage } from '../../../domain/access/refusal.ts'
import { decide, type Grant, type Permissions } from '../../../domain/access/roles.ts'
import { describeTrustRule } from '../../../domain/access/trust/trust-rule.ts'
import type { EndpointHandler, EndpointRequest } from '../../http/endpoint-handler.ts'
import type { Services } from '../../services.ts'
import { toWireGrant } from '../permissions.ts'
import { requireRight } from '../require-right.ts'
import { proxyIssuer } from '../trusted-proxy.ts'

export const getPolicy: EndpointHandler<'getPolicy'> = async ({ auth: { policy }, settings }) => {
  const { file, acceptedAt, problems } = policy.status()
  const current = policy.current()
  return {
    file,
    accepted_at: acceptedAt?.toISOString() ?? null,
    problems: [...problems],
    default_role: current?.default_role ?? settings.SIGNED_IN_ROLE,
    rules: current?.rules.map(describeRule) ?? [],
    trust: current?.trust.map(describeTrustRule) ?? [],
  }
}

/** Groups of other people are known only while they are signed in, so the question may name some. */
export const explainPolicy: EndpointHandler<'explainPolicy'> = async (services, request) => {
  const { right, name } = request.query
  const subject = await whoToExplain(services, request)
  const owner = name === undefined ? undefined : await readDeploymentOwner(services.db, name)
  const target = name === undefined ? undefined : { name, ...(owner === undefined ? {} : { owner }) }
  const decision = decide(subject.permissions, right, target)
  return {
    allowed: decision.isAllowed,
    message: decision.isAllowed
      ? `${subject.name} may: ${describeGrant(decision.grant)}.`
      : refusalMessage(subject, right, decision, target),
    grants: subject.permissions.grants.map(toWireGrant),
  }
}

async function whoToExplain(
  { auth, db, settings }: Services,
  { identity, query }: EndpointRequest<'explainPolicy'>,
): Promise<{ name: string; permissions: Permissions }> {
  if (query.as === undefined) return identity
  requireRight(settings, identity, 'read_policy')
  const { name, issuer, subject } = await requirePerson(db, query.as)
  const known = await findGroups(db, { issuer, subject })
  const kind = issuer === proxyIssuer ? 'proxy' : 'oidc'
  const member = { kind, person: { issuer, subject }, groups: [...known, ...(query.group ?? [])] } as const
  return { name, permissions: auth.permissions.ofMember(member, null) }
}

const describeGrant = ({ role, names, rule }: Grant) =>
  `${rule} gives the role ${role} for ${names.join(', ')}`
