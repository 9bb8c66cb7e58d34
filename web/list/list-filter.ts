/**
 * The view of the list (search text, archived switch, sort order) and its form in the URL; the comparison
 * that follows from it. Pure functions.
 */
import type { FullInfo } from '../../domain/schemas.ts'
import { needsAttention, statusLabel } from '../deployment/status-labels.ts'

export type SortKey = 'name' | 'created' | 'changed'
export const statusFilters = ['any', 'attention', 'progress', 'running'] as const
export type StatusFilter = (typeof statusFilters)[number]
export type ListView = {
  query: string
  archived: boolean
  status: StatusFilter
  sort: SortKey
  descending: boolean
}

export const defaultView: ListView = {
  query: '',
  archived: false,
  status: 'any',
  sort: 'changed',
  descending: true,
}

/** `attention`: failing, or the last action failed. `running`: nothing is wrong. */
export function matchesStatus(filter: StatusFilter, info: FullInfo): boolean {
  if (filter === 'any') return true
  if (filter === 'attention') return needsAttention(info)
  return statusLabel(info).tone === (filter === 'running' ? 'success' : 'progress')
}

/** Reads the view from the URL's query; invalid values are ignored. */
export function parseView(search: string): ListView {
  const params = new URLSearchParams(search)
  const [, minus = '', key = ''] = /^(-?)(name|created|changed)$/.exec(params.get('sort') ?? '') ?? []
  return {
    query: params.get('q') ?? '',
    archived: params.has('archived'),
    status: statusFilters.find((status) => status === params.get('status')) ?? defaultView.status,
    sort: key === '' ? defaultView.sort : (key as SortKey),
    descending: key === '' ? defaultView.descending : minus === '-',
  }
}

export function formatView({ query, archived, status, sort, descending }: ListView): string {
  const parts = new URLSearchParams()
  if (query !== '') parts.set('q', query)
  if (archived) parts.set('archived', '1')
  if (status !== defaultView.status) parts.set('status', status)
  if (sort !== defaultView.sort || descending !== defaultView.descending) {
    parts.set('sort', (descending ? '-' : '') + sort)
  }
  return parts.size === 0 ? '' : `?${parts}`
}

/** A click on a column header: reverses the order, or sorts by that column in its usual direction. */
export function toggleSort(view: ListView, sort: SortKey): ListView {
  return { ...view, sort, descending: view.sort === sort ? !view.descending : sort !== 'name' }
}

/** `score`: quality of the search match; equal for all without a search. */
export type Sortable = { name: string; info: FullInfo; score: number }

/** Best match first, then by the view's sort key, then by name, so that the order is total. */
export function compareBy({ sort, descending }: ListView): (a: Sortable, b: Sortable) => number {
  const sign = descending ? -1 : 1
  return (a, b) =>
    b.score - a.score || sign * compare(sortValue(a, sort), sortValue(b, sort)) || compare(a.name, b.name)
}

const sortValue = ({ name, info }: Sortable, sort: SortKey): string => {
  if (sort === 'name') return name
  return sort === 'created' ? info.created_at : info.updated_at
}
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
