/**
 * How many deployments each choice of a filter would find: statuses, owners and labels. Updated with every change of a
 * deployment, so that no change costs more in a long list. Used by list-model.ts; drawn by list-toolbar.ts.
 */
import type { FullInfo } from '../../domain/schemas.ts'
import { matchesStatus, type StatusFilter, statusFilters } from './list-filter.ts'
import { naturalOrder } from './natural-order.ts'

export type Facets = {
  statuses: ReadonlyMap<StatusFilter, number>
  /** By name; without deployments of nobody. */
  owners: ReadonlyMap<string, number>
  mine: number
  withoutOwner: number
  /** By `key=value`. */
  labels: ReadonlyMap<string, number>
}

export type FacetCounter = { facets: Facets; count(info: FullInfo, by: 1 | -1): void; clear(): void }

export function createFacetCounter(isMine: (info: FullInfo) => boolean): FacetCounter {
  const statuses = new Map<StatusFilter, number>()
  const owners = new Map<string, number>()
  const labels = new Map<string, number>()
  const facets = { statuses, owners, labels, mine: 0, withoutOwner: 0 }
  return {
    facets,
    count: (info, by) => {
      for (const status of statusFilters) if (matchesStatus(status, info)) add(statuses, status, by)
      if (info.owner) add(owners, info.owner.name, by)
      else facets.withoutOwner += by
      if (isMine(info)) facets.mine += by
      for (const [key, value] of Object.entries(info.labels ?? {})) add(labels, `${key}=${value}`, by)
    },
    clear: () => {
      for (const counts of [statuses, owners, labels]) counts.clear()
      facets.mine = 0
      facets.withoutOwner = 0
    },
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

/** A list of choices must stay short: those with the most deployments. */
const maxChoices = 100

/** The choices in the order of their names, each with its count. */
export function choicesOf(counts: ReadonlyMap<string, number>): [name: string, count: number][] {
  return [...counts]
    .sort((one, other) => other[1] - one[1])
    .slice(0, maxChoices)
    .sort((one, other) => naturalOrder.compare(one[0], other[0]))
}
