/** An entry of the audit log: a sentence, and all that is known about it when it is opened. */
import { useComputed, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { proofs } from '../../domain/access/proof.ts'
import type { AuditEntry } from '../../domain/audit/audit-schemas.ts'
import type { AuditedValue } from '../../domain/audit/operations.ts'
import { describeAuditEntry } from '../../domain/audit/sentence.ts'
import { Actor } from '../activity/actor.ts'
import { useApp } from '../app-context.ts'
import { SecretMark } from '../config/secret-mark.ts'
import { deploymentPath, outputQuery } from '../routes.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { auditPath } from './audit-filters.ts'

export function AuditRow({ entry }: { entry: AuditEntry }): VNode {
  const isOpen = useSignal(false)
  const isGone = useIsGone(entry.deployment)
  const { predicate, deployment, details } = describeAuditEntry(entry)
  return html`<li data-outcome=${entry.outcome}>
    <details
      onToggle=${(event: { currentTarget: HTMLDetailsElement }) => {
        isOpen.value = event.currentTarget.open
      }}
    >
      <summary>
        <span class="audit-sentence">
          <${Actor} action=${entry} /> ${predicate}${deployment !== null && html` <strong>${deployment}</strong>${isGone && html` <small class="audit-gone">gone</small>`}`}${details !== '' && html`<span class="audit-what">: ${details}</span>`}
        </span>
        <span class="audit-age"><${RelativeTime} time=${entry.at} /></span>
      </summary>
      ${isOpen.value && html`<${EntryDetails} entry=${entry} isGone=${isGone} />`}
    </details>
  </li>`
}

/** Whether there is no deployment of this name now. */
function useIsGone(name: string | null): boolean {
  const { store, sync } = useApp()
  return useComputed(() => {
    void store.version.value
    return name !== null && sync.isComplete.value && !store.rows.has(name)
  }).value
}

/** Shown in another form. */
const knownDetails = /^(changes|more_changes|status|owner|message)$/

type DetailsProps = { entry: AuditEntry; isGone: boolean }

function EntryDetails({ entry, isGone }: DetailsProps): VNode {
  const { at, actor, proof, subject, issuer, deployment, action_id, details } = entry
  const { changes = [], more_changes = 0, status, owner, message } = details
  const more = Object.entries(details).filter(([key]) => !knownDetails.test(key))
  const fact = (label: string, value: ComponentChildren) =>
    value !== null &&
    value !== undefined &&
    value !== '' &&
    html`<div><dt>${label}</dt><dd>${value}</dd></div>`
  const time = new Date(at)
  const path = deployment === null || isGone ? null : deploymentPath(deployment)
  return html`<div class="audit-details">
    <dl>
      ${fact('Time', `${time.toLocaleString()} (${time.toISOString().slice(0, 19)}Z)`)}
      ${fact('Who', `${actor}, ${proofs[proof].label}`)}
      ${fact('Subject', subject)} ${fact('Issuer', issuer)} ${fact('Claims to be', entry.claimed_actor)}
      ${fact('Refused', message)} ${fact('Reason', entry.reason)}
      ${fact('Status', status && `${status.before ?? 'none'} → ${status.after ?? 'gone'}`)}
      ${fact('Owner', owner && `${owner.before ?? 'nobody'} → ${owner.after ?? 'nobody'}`)}
      ${fact('Deployment', deployment && (path === null ? `${deployment}, which does not exist now` : html`<a href=${path}>${deployment}</a>`))}
      ${fact('Action', action_id && (path === null ? String(action_id) : html`<a href=${path + outputQuery(action_id)}>${action_id}</a>`))}
      ${fact('From', [entry.source, entry.address].filter(Boolean).join(', '))}
      ${more.map(([key, value]) => fact(key.replaceAll('_', ' '), typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value)))}
      ${fact('Request', entry.request_id)}
    </dl>
    ${
      changes.length > 0 &&
      html`<table>
        <thead>
          <tr><th scope="col">Config key</th><th scope="col">Before</th><th scope="col">After</th></tr>
        </thead>
        <tbody>
          ${changes.map(
            ({ level, key, before, after }) =>
              html`<tr key=${level + key}><th scope="row"><code>${key}</code></th><td><${Value} value=${before} /></td><td><${Value} value=${after} /></td></tr>`,
          )}
        </tbody>
      </table>`
    }
    ${more_changes > 0 && html`<p class="hint">And ${more_changes} more keys.</p>`}
    <p class="audit-links">
      ${deployment !== null && html`<a href=${auditPath({ deployment })}>All of ${deployment}</a>`}
      <a href=${auditPath({ actor: subject ?? actor })}>All of ${actor}</a>
    </p>
  </div>`
}

function Value({ value }: { value: AuditedValue }): VNode {
  if (value?.tag === 'masked') return html`<${SecretMark} />`
  if (value?.tag === 'value' && value.text !== '') return html`<code>${value.text}</code>`
  return html`<span class="hint">${value === null ? 'default' : value.tag === 'removed' ? 'removed' : 'empty'}</span>`
}
