/** Who owns a deployment: the name, or "you". Used by the list and the deployment page. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Owner } from '../../domain/access/access-schemas.ts'
import { isOwn } from '../account/identity.ts'
import { useApp } from '../app-context.ts'

export function OwnerName({ owner }: { owner: Owner }): VNode {
  const { identity } = useApp()
  const isYou = isOwn(identity.who.value, owner)
  return html`<span class="owner" title=${`${owner.name}: ${owner.subject} of ${owner.issuer}`}>${isYou ? 'you' : owner.name}</span>`
}
