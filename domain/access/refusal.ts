/**
 * Why a caller may not do something, in words. The server and octo name the caller and the right; the page says it beside a
 * disabled button. Free of zod: the page loads it.
 */
import { type Decision, type Permissions, type Person, type Right, rights, roles } from './roles.ts'

export type Refusal = Exclude<Decision, { isAllowed: true }>

/** `owner` is missing while it is not known. */
export type RefusalTarget = { name: string; owner?: (Person & { name?: string }) | null }

type Caller = { name: string; permissions: Pick<Permissions, 'grants'> }

/** `ben may not archive this deployment: Anna owns shop. The role operator or admin may …, or its owner.` */
export function refusalMessage(
  { name, permissions }: Caller,
  right: Right,
  { reason, roles: enough }: Refusal,
  target: RefusalTarget | undefined,
): string {
  const { label } = rights[right]
  const needed = `The role ${enough.join(' or ')} may ${label}`
  switch (reason) {
    case 'no_role':
      return `${name} has no role here, so may not ${label}. Ask an admin for one of the roles ${roles.join(', ')}.`
    case 'names':
      return `${name} may not ${label}: the roles of ${name} are for ${patternsOf(permissions)}, not for ${target?.name}. Ask an admin for a rule that names it.`
    case 'role':
      return `${name} may not ${label} (right ${right}). ${needed}; ask an admin.`
    case 'owner':
      return `${name} may not ${label}: ${ownership(target)}. ${needed}${target?.owner ? ', or its owner' : ''}.`
  }
}

/** The same for the caller itself, without the right, so that several buttons share one sentence. */
export function refusalReason(
  permissions: Pick<Permissions, 'grants'>,
  { reason, roles: enough }: Refusal,
  target: RefusalTarget | undefined,
  { isAnonymous = false } = {},
): string {
  const [lowest, ...higher] = enough
  const role = `the role ${lowest}${higher.length > 0 ? ' or a higher one' : ''}`
  const remedy = isAnonymous ? 'sign in first' : 'ask an admin'
  switch (reason) {
    case 'no_role':
      return `You have no role here: ${isAnonymous ? remedy : 'ask an admin for one'}.`
    case 'names':
      return `Your role is for ${patternsOf(permissions)}, not for ${target?.name}: ${remedy}.`
    case 'role':
      return `This needs ${role}: ${remedy}.`
    case 'owner':
      return target?.owner
        ? `${capitalize(ownership(target))}: only its owner, or ${role}, may do this.`
        : `${capitalize(ownership(target))}. This needs ${role}: ${remedy}.`
  }
}

const ownership = (target: RefusalTarget | undefined) =>
  `${target?.owner ? (target.owner.name ?? target.owner.subject) : 'nobody'} owns ${target?.name}`

const patternsOf = ({ grants }: Pick<Permissions, 'grants'>) =>
  [...new Set(grants.flatMap(({ names, within }) => within ?? names))].slice(0, 20).join(', ')

const capitalize = (text: string) =>
  text.startsWith('nobody') ? text.slice(0, 1).toUpperCase() + text.slice(1) : text
