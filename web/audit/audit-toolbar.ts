/** The filters above the audit log. Texts count when the field is left or Enter is pressed: they must match exactly. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { auditOperations } from '../../domain/audit/operations.ts'
import { type AuditFilters, formatFilters, parseFilters } from './audit-filters.ts'

const outcomes = [
  ['', 'Any'],
  ['accepted', 'Accepted'],
  ['refused', 'Refused'],
] as const
const times = [
  ['', 'Any time'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
] as const

const operations = [
  ['', 'Any'] as const,
  ...auditOperations
    .map((operation) => [operation, nameOf(operation)] as const)
    .sort(([, one], [, other]) => (one < other ? -1 : 1)),
]

/** `sign_in` → `Sign in`. */
function nameOf(operation: string): string {
  return operation.charAt(0).toUpperCase() + operation.slice(1).replaceAll('_', ' ')
}

type Props = { filters: Signal<AuditFilters> }
type Options = readonly (readonly [value: string, label: string])[]

export function AuditToolbar({ filters }: Props): VNode {
  const field = (key: keyof AuditFilters, label: string, options: Options | null) => {
    const value = filters.value[key]
    const onChange = (event: { currentTarget: { value: string } }) => {
      filters.value = { ...filters.value, [key]: event.currentTarget.value.trim() }
    }
    return html`<label class="field">
      <span>${label}</span>
      ${
        options === null
          ? html`<input value=${value} autocomplete="off" spellcheck=${false} maxlength="100" onChange=${onChange} />`
          : html`<select value=${value} onChange=${onChange}>
              ${withValue(options, value).map(([option, text]) => html`<option key=${option} value=${option}>${text}</option>`)}
            </select>`
      }
    </label>`
  }
  return html`<form class="audit-filters" role="search" aria-label="Filters" onSubmit=${(event: Event) => event.preventDefault()}>
    ${field('deployment', 'Deployment', null)} ${field('actor', 'Who', null)} ${field('operation', 'What', operations)}
    ${field('outcome', 'Outcome', outcomes)} ${field('since', 'When', times)}
    ${
      formatFilters(filters.value) !== '' &&
      html`<button type="button" onClick=${() => (filters.value = parseFilters(''))}>Clear filters</button>`
    }
  </form>`
}

/** A link may have another time. */
const withValue = (options: Options, value: string): Options =>
  options.some(([option]) => option === value) ? options : [...options, [value, `Since ${value}`]]
