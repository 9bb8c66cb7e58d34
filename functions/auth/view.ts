/** Which deployments a caller may see. Callers with the same view get the same list and the same events. */
import { hash } from 'node:crypto'
import { visibleNames } from '../../domain/access/roles.ts'
import type { Identity } from './identity.ts'

/** `id`: clients compare it, to know whether their list and their events belong together. */
export type View = { id: string; patterns: readonly string[] }

export const wholeView: View = { id: 'all', patterns: ['*'] }

export function viewOf({ permissions: { grants } }: Pick<Identity, 'permissions'>): View {
  const patterns = visibleNames(grants)
  if (patterns[0] === '*') return wholeView
  return { id: hash('sha256', patterns.join(' ')).slice(0, 12), patterns }
}
