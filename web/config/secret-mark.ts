/** Stands for a value that this user may not see. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isSecretReference } from '../../domain/secrets/secret-reference.ts'

/** `children`: what is known about the value. */
export const SecretMark = ({ children = 'secret' }: { children?: string }): VNode =>
  html`<span class="secret-mark" title="The value is secret. Only admins see it.">${children}</span>`

/** The value as text, `empty` for an empty one, or the mark of a secret. */
export const shownValue = (value: string): VNode | string =>
  isSecretReference(value) ? html`<${SecretMark} />` : value || 'empty'
