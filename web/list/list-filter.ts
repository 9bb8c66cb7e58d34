/** How the list is looked at: search, sort and the archived switch, kept in the address; the order that follows. Pure. */
import type { FullInfo } from '../../domain/schemas.ts'

export type SortKey = 'name' | 'created' | 'changed'
export type ListView = { query: string; archived: boolean; sort: SortKey; descending: boolean }

export const defaultView: ListView = { query: '', archived: false, sort: 'changed', descending: true }

/** From what stands behind the `?`; whatever makes no sense is left out. */
export function parseView(search: string): ListView {
  const given = new URLSearchParams(search)
  const [, minus = '', key = ''] = /^(-?)(name|created|changed)$/.exec(given.get('sort') ?? '') ?? []
  return {
    query: given.get('q') ?? '',
    archived: given.has('archived'),
    sort: key === '' ? defaultView.sort : (key as SortKey),
    descending: key === '' ? defaultView.descending : minus === '-',
  }
}

export function formatView({ query, archived, sort, descending }: ListView): string {
  const parts = new URLSearchParams()
  if (query !== '') parts.set('q', query)
  if (archived) parts.set('archived', '1')
  if (sort !== defaultView.sort || descending !== defaultView.descending) {
    parts.set('sort', (descending ? '-' : '') + sort)
  }
  return parts.size === 0 ? '' : `?${parts}`
}

/** A click on a column: the other way round, or that column the way people expect it first. */
export function toggleSort(view: ListView, sort: SortKey): ListView {
  return { ...view, sort, descending: view.sort === sort ? !view.descending : sort !== 'name' }
}

/** What is sorted. `quality`: how well it matches the search; the same for all without one. */
export type Sortable = { name: string; info: FullInfo; score: number }

/** The best match first, then as the view says; never two in the same place. */
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
