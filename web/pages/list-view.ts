/** Which deployments the list shows and in what order: rules of search, sort and the archived switch. Pure. */
import type { FullInfo } from '../../domain/shapes.ts'
import { searchText, wordsOf } from '../search.ts'
import { isPutAway } from '../words.ts'

export type SortKey = 'name' | 'created' | 'changed'
export type View = { query: string; archived: boolean; sort: SortKey; descending: boolean }

export const standardView: View = { query: '', archived: false, sort: 'changed', descending: true }

/** From what stands behind the `?`; whatever makes no sense is left out. */
export function parseView(search: string): View {
  const given = new URLSearchParams(search)
  const [, minus = '', key = ''] = /^(-?)(name|created|changed)$/.exec(given.get('sort') ?? '') ?? []
  return {
    query: given.get('q') ?? '',
    archived: given.has('archived'),
    sort: key === '' ? standardView.sort : (key as SortKey),
    descending: key === '' ? standardView.descending : minus === '-',
  }
}

export function printView({ query, archived, sort, descending }: View): string {
  const parts = new URLSearchParams()
  if (query !== '') parts.set('q', query)
  if (archived) parts.set('archived', '1')
  if (sort !== standardView.sort || descending !== standardView.descending) {
    parts.set('sort', (descending ? '-' : '') + sort)
  }
  return parts.size === 0 ? '' : `?${parts}`
}

/** A click on a column: the other way round, or that column the way people expect it first. */
export function sortBy(view: View, sort: SortKey): View {
  return { ...view, sort, descending: view.sort === sort ? !view.descending : sort !== 'name' }
}

export type Picked = { shown: FullInfo[]; total: number; putAway: number }

/** `textOf` may remember what {@link searchText} gave. */
export function pick(all: Iterable<FullInfo>, view: View, textOf = searchText): Picked {
  const words = wordsOf(view.query)
  const shown: FullInfo[] = []
  let total = 0
  let putAway = 0
  for (const info of all) {
    total += 1
    const away = isPutAway(info)
    if (away) putAway += 1
    if (away && !view.archived) continue
    if (words.length > 0) {
      const text = textOf(info)
      if (!words.every((word) => text.includes(word))) continue
    }
    shown.push(info)
  }
  const sign = view.descending ? -1 : 1
  shown.sort((a, b) => sign * compare(sortValue(a, view.sort), sortValue(b, view.sort)) || byName(a, b))
  return { shown, total, putAway }
}

const sortValue = (info: FullInfo, sort: SortKey): string => {
  if (sort === 'name') return info.deployment.name
  return sort === 'created' ? info.created_at : info.updated_at
}
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const byName = (a: FullInfo, b: FullInfo) => compare(a.deployment.name, b.deployment.name)
