/** Which deployments a caller may see. Callers with the same view get the same list and the same events. */
import { hash } from 'node:crypto'
import { type Grant, isForName, seesAllNames, visibleNames } from '../../domain/access/roles.ts'
import type { Identity } from './identity.ts'

/** `id`: clients compare it, to know whether their list and their events belong together. */
export type View = { id: string; isWhole: boolean; includes(name: string): boolean }

export const wholeView: View = { id: 'all', isWhole: true, includes: () => true }

/** By the grants of an identity, which stay the same object while it is known. */
const known = new WeakMap<readonly Grant[], View>()

export function viewOf({ permissions: { grants } }: Pick<Identity, 'permissions'>): View {
  const view = known.get(grants) ?? readView(grants)
  known.set(grants, view)
  return view
}

function readView(grants: readonly Grant[]): View {
  if (seesAllNames(grants)) return wholeView
  return {
    id: hash('sha256', visibleNames(grants)).slice(0, 12),
    isWhole: false,
    includes: (name) => grants.some((grant) => isForName(grant, name)),
  }
}
