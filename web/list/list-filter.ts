/**
 * The view of the list (search text, filters, archived switch, sort order) and its form in the URL; the filter and the
 * comparison that follow from it. Pure functions.
 */
import { lastActionEndedBadly } from '../../client/action-outcome.ts'
import { matchesSelector, parseSelector } from '../../domain/labels.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { needsAttention, statusLabel } from '../deployment/status-labels.ts'
import { naturalOrder } from './natural-order.ts'

export type SortKey = 'name' | 'created' | 'changed'
export const statusFilters = ['any', 'attention', 'failed', 'progress', 'running'] as const
export type StatusFilter = (typeof statusFilters)[number]

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** By the time since the last change: at most, or at least. */
export const ageFilters = {
  any: { label: 'Any age', min: 0, max: Number.POSITIVE_INFINITY },
  'in-1h': { label: 'Past hour', min: 0, max: hourMs },
  'in-1d': { label: 'Past day', min: 0, max: dayMs },
  'in-7d': { label: 'Past week', min: 0, max: 7 * dayMs },
  'not-7d': { label: 'Over a week', min: 7 * dayMs, max: Number.POSITIVE_INFINITY },
  'not-30d': { label: 'Over 30 days', min: 30 * dayMs, max: Number.POSITIVE_INFINITY },
} as const
export type AgeFilter = keyof typeof ageFilters

/** Other owners are named; a name begins with no `@`. */
export const ownerChoices = { any: '', me: '@me', nobody: '@nobody' } as const

const isOwnerChoice = (owner: string) => Object.values<string>(ownerChoices).includes(owner)

export type ListView = {
  query: string
  archived: boolean
  status: StatusFilter
  /** One of ownerChoices, or a name. */
  owner: string
  /** A selector of labels; '' for any. */
  label: string
  age: AgeFilter
  sort: SortKey
  descending: boolean
}

export const defaultView: ListView = {
  query: '',
  archived: false,
  status: 'any',
  owner: ownerChoices.any,
  label: '',
  age: 'any',
  sort: 'changed',
  descending: true,
}

/** The filters that the user has set, besides the search. */
export const activeFilters = (view: ListView): number =>
  (['status', 'owner', 'label', 'age'] as const).filter((key) => view[key] !== defaultView[key]).length

export const withoutFilters = (view: ListView): ListView => ({
  ...view,
  query: '',
  status: defaultView.status,
  owner: defaultView.owner,
  label: defaultView.label,
  age: defaultView.age,
})

/** `attention`: failing, or the last action failed. `failed`: the last action failed or timed out, also of an archived one. `running`: nothing is wrong. */
export function matchesStatus(filter: StatusFilter, info: FullInfo): boolean {
  if (filter === 'any') return true
  if (filter === 'attention') return needsAttention(info)
  if (filter === 'failed') return lastActionEndedBadly(info)
  return statusLabel(info).tone === (filter === 'running' ? 'success' : 'progress')
}

/** Returns a filter for all but the search. An invalid selector filters nothing; the toolbar shows its error. */
export function createFilter(
  { status, owner, label, age }: ListView,
  { isMine, nowMs }: { isMine: (info: FullInfo) => boolean; nowMs: number },
): (info: FullInfo) => boolean {
  const selector = parseSelector(label).selector ?? []
  const { min, max } = ageFilters[age]
  return (info) => {
    if (!matchesStatus(status, info)) return false
    if (owner === ownerChoices.me && !isMine(info)) return false
    if (owner === ownerChoices.nobody && info.owner) return false
    if (!isOwnerChoice(owner) && info.owner?.name !== owner) return false
    if (selector.length > 0 && !matchesSelector(selector, info.labels ?? {})) return false
    if (age === 'any') return true
    const ageMs = nowMs - Date.parse(info.updated_at)
    return ageMs >= min && ageMs <= max
  }
}

/** Reads the view from the URL's query; invalid values are ignored. */
export function parseView(search: string): ListView {
  const params = new URLSearchParams(search)
  const [, minus = '', key = ''] = /^(-?)(name|created|changed)$/.exec(params.get('sort') ?? '') ?? []
  const age = params.get('age') ?? ''
  return {
    query: params.get('q') ?? '',
    archived: params.has('archived'),
    status: statusFilters.find((status) => status === params.get('status')) ?? defaultView.status,
    owner: params.get('owner') ?? defaultView.owner,
    label: params.get('label') ?? defaultView.label,
    age: Object.hasOwn(ageFilters, age) ? (age as AgeFilter) : defaultView.age,
    sort: key === '' ? defaultView.sort : (key as SortKey),
    descending: key === '' ? defaultView.descending : minus === '-',
  }
}

export function formatView(view: ListView): string {
  const { query, archived, sort, descending } = view
  const parts = new URLSearchParams()
  if (query !== '') parts.set('q', query)
  if (archived) parts.set('archived', '1')
  for (const key of ['status', 'owner', 'label', 'age'] as const)
    if (view[key] !== defaultView[key]) parts.set(key, view[key])
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
    b.score - a.score ||
    sign *
      (sort === 'name' ? naturalOrder.compare(a.name, b.name) : compare(timeOf(a, sort), timeOf(b, sort))) ||
    compare(a.name, b.name)
}

const timeOf = ({ info }: Sortable, sort: SortKey) => (sort === 'created' ? info.created_at : info.updated_at)
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
