/** Which deployments a caller may see, and of which also the secrets. Callers with the same view get the same list and the same events. */
import { hash } from 'node:crypto'
import { type Grant, isForName, rights, seesAllNames, visibleNames } from '../../domain/access/roles.ts'
import type { Identity } from './identity.ts'

/** `id`: clients compare it, to know whether their list and their events belong together. */
export type View = {
  id: string
  isWhole: boolean
  includes(name: string): boolean
  /** Whether the caller gets the values of secret keys of the deployment; else references. */
  seesSecrets(name: string): boolean
}

const all = () => true
const none = () => false
export const wholeView: View = { id: 'all', isWhole: true, includes: all, seesSecrets: all }
const wholeViewWithoutSecrets: View = { id: 'all-hidden', isWhole: true, includes: all, seesSecrets: none }

/** By the grants of an identity, which stay the same object while it is known. */
const known = new WeakMap<readonly Grant[], View>()

export function viewOf({ permissions: { grants } }: Pick<Identity, 'permissions'>): View {
  const view = known.get(grants) ?? readView(grants)
  known.set(grants, view)
  return view
}

function readView(grants: readonly Grant[]): View {
  const withSecrets = grants.filter(({ role }) => rights.see_secrets.scopes[role] === 'all')
  const isWhole = seesAllNames(grants)
  if (isWhole && seesAllNames(withSecrets)) return wholeView
  if (isWhole && withSecrets.length === 0) return wholeViewWithoutSecrets
  return {
    id: hash('sha256', `${visibleNames(grants)}|${visibleNames(withSecrets)}`).slice(0, 12),
    isWhole,
    includes: isWhole ? all : (name) => grants.some((grant) => isForName(grant, name)),
    seesSecrets: (name) => withSecrets.some((grant) => isForName(grant, name)),
  }
}
