/** Who the server sees: proof, issuer, subject, groups, role and the rules that gave it. For the account menu and the page without a role. */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import type { WhoAmI } from '../../domain/access/access-schemas.ts'
import { proofs } from '../../domain/access/proof.ts'

/** More groups are a number: some people are in thousands. */
const maxGroups = 12

export function IdentityFacts({ who }: { who: WhoAmI }): VNode {
  const { groups = [], grants = [], email, issuer, subject, proof, claimed_actor } = who
  const more = groups.length - maxGroups
  return html`<dl class="identity-facts">
    ${fact('Proof', proofs[proof]?.label ?? proof)}
    ${claimed_actor && fact('Says', html`${claimed_actor} <small>name not proved</small>`)}
    ${email && fact('E-mail', email)}
    ${subject && fact('Subject', html`<code>${subject}</code>`)}
    ${issuer && fact('Issuer', html`<code>${issuer}</code>`)}
    ${
      subject &&
      fact(
        'Groups',
        groups.length === 0
          ? 'none'
          : html`<ul class="tags">${groups.slice(0, maxGroups).map((group) => html`<li key=${group} class="tag">${group}</li>`)}${more > 0 && html`<li>and ${more.toLocaleString()} more</li>`}</ul>`,
      )
    }
    ${fact(
      grants.length > 1 ? 'Roles' : 'Role',
      grants.length === 0
        ? 'none'
        : html`<ul>${grants.map(
            ({ role, names, rule }, index) => html`<li key=${index}>
              <span class="role">${role}</span> of ${names.includes('*') ? 'all deployments' : html`<code>${names.join(', ')}</code>`}
              <small>by ${rule}</small>
            </li>`,
          )}</ul>`,
    )}
  </dl>`
}

const fact = (name: string, value: ComponentChildren) =>
  html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`
