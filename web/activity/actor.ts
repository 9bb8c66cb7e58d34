/** Who has requested an action, and how that is proved. A name that a client only claims is never shown like a proved one. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type Proof, proofs } from '../../domain/access/proof.ts'
import { isSafeLink } from '../../domain/safe-link.ts'
import type { Action, ActionSummary } from '../../domain/schemas.ts'

/** Proofs that name a person or a service. */
const named: ReadonlySet<Proof> = new Set<Proof>(['oidc', 'token', 'exchange', 'proxy', 'system'])

/** One line: `Anna Berg`, `user · says: maria`, `ceo · name not proved`. */
export function Actor({
  action,
}: {
  action: Pick<ActionSummary, 'actor' | 'proof' | 'claimed_actor'>
}): VNode {
  const { actor, proof, claimed_actor } = action
  const isProved = proof === undefined || named.has(proof)
  return html`<span class="actor" title=${proof === undefined ? undefined : proofs[proof].label}>
    <span class=${isProved ? 'actor-name' : 'actor-name unproved'}>${actor}</span>${proof === 'claimed' && html` <small class="tag">${proofs.claimed.label}</small>`}${claimed_actor && html` <small class="claimed-actor">says: ${claimed_actor}</small>`}
  </span>`
}

/** The same with its source, and with issuer and subject when it is opened. */
export function ActorDetails({ action }: { action: Action }): VNode {
  const { proof, actor_issuer: issuer, actor_subject: subject, actor_link: link } = action
  const line = html`<${Actor} action=${action} /><span class="source"> via ${action.source}</span>`
  if (proof === undefined || !issuer || !subject) return line as VNode
  return html`<details class="actor-details">
    <summary>${line}</summary>
    <dl>
      ${link && isSafeLink(link) && html`<div><dt>Run</dt><dd><a href=${link} target="_blank" rel="noreferrer">${link}</a></dd></div>`}
      <div><dt>Proof</dt><dd>${proofs[proof].label}</dd></div>
      <div><dt>Subject</dt><dd><code>${subject}</code></dd></div>
      <div><dt>Issuer</dt><dd><code>${issuer}</code></dd></div>
    </dl>
  </details>`
}
