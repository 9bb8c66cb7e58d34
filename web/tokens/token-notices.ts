/**
 * The own access tokens that end within a week. Read after signing in and once in some hours. Created by app-context.ts; drawn by
 * token-banner.ts.
 */
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals'
import type { ApiClient } from '../../client/call-endpoint.ts'
import { parseJson } from '../../client/parse-json.ts'
import type { AccessToken } from '../../domain/access/access-schemas.ts'
import type { Identity } from '../account/identity.ts'
import { storageKey } from '../base-path.ts'
import type { ServerClock } from '../live/server-clock.ts'
import { endsSoon } from './token-end.ts'

export type TokenNotices = {
  /** Those that nobody has dismissed, the first to end first. */
  soon: ReadonlySignal<readonly AccessToken[]>
  /** Takes what the page has read. */
  update(tokens: readonly AccessToken[]): void
  /** Does not show these again in this browser. */
  dismiss(): void
}

const intervalMs = 6 * 3_600_000
const dismissedKey = storageKey('octopod.dismissed-tokens')

export function createTokenNotices(
  client: ApiClient,
  identity: Identity,
  clock: ServerClock,
  storage: Storage,
): TokenNotices {
  const tokens = signal<readonly AccessToken[]>([])
  const dismissed = signal<readonly number[]>(parseJson<number[]>(storage.getItem(dismissedKey)) ?? [])
  const load = async () => {
    try {
      tokens.value = await client.call('listTokens')
    } catch {
      // The page works without it, and the next time may succeed.
    }
  }
  // A shared credential has no owner to warn, and a token that is used on the page cannot be exchanged by it.
  const owner = computed(() => {
    const who = identity.who.value
    return who?.subject && who.proof !== 'token' ? identity.key.value : null
  })
  effect(() => {
    tokens.value = []
    if (owner.value === null) return
    void load()
    const timer = setInterval(() => void load(), intervalMs)
    return () => clearInterval(timer)
  })
  const soon = computed(() =>
    tokens.value
      .filter((token) => endsSoon(token, clock.currentTimeMs()) && !dismissed.value.includes(token.token_id))
      .sort((one, other) => one.expires_at.localeCompare(other.expires_at)),
  )
  return {
    soon,
    update: (found) => {
      if (owner.peek() !== null) tokens.value = found
    },
    dismiss: () => {
      const ids = soon.peek().map(({ token_id }) => token_id)
      dismissed.value = [...dismissed.peek(), ...ids].slice(-200)
      storage.setItem(dismissedKey, JSON.stringify(dismissed.peek()))
    },
  }
}
