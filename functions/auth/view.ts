/** Which deployments a caller may see. Callers with the same view get the same list and the same events. */
import { hash } from 'node:crypto'
import { isForName, seesAllNames, visibleNames } from '../../domain/access/roles.ts'
import type { Identity } from './identity.ts'

/** `id`: clients compare it, to know whether their list and their events belong together. */
export type View = { id: string; isWhole: boolean; includes(name: string): boolean }

export const wholeView: View = { id: 'all', isWhole: true, includes: () => true }

export function viewOf({ permissions: { grants } }: Pick<Identity, 'permissions'>): View {
  if (seesAllNames(grants)) return wholeView
  return {
    id: hash('sha256', visibleNames(grants)).slice(0, 12),
    isWhole: false,
    includes: (name) => grants.some((grant) => isForName(grant, name)),
  }
}
