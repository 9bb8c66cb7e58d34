/**
 * References stand for values of secret keys in what callers without the right see_secrets get. The server makes and reads them
 * (functions/secrets); page and octo only recognise them. Free of zod and crypto: the page loads it.
 */

import type { ByLevel, Override } from '../overrides.ts'

/** No other value that such a caller gets begins like this. */
export const referencePrefix = '***.'

/** A type, a digest of the value and a MAC at least, in base64url; functions/secrets/references.ts. */
const form = /^\*\*\*\.[\w-]{22,200}$/

export const isSecretReference = (value: string): boolean => form.test(value)

/** The value of an override is hidden. */
export const isHiddenOverride = (value: Override[1] | undefined): boolean =>
  value?.tag === 'ValueAdded' && isSecretReference(value.contents)

type Overrides = ByLevel<readonly Override[]>

/**
 * The keys whose hidden value in `sent` is another one than that of `current`: a reference that is sent stands for the present value,
 * so the value of `sent` cannot be restored.
 */
export function findOtherSecrets(sent: Overrides, current: Overrides): string[] {
  const ofLevel = (level: keyof Overrides) => {
    const present = new Map(current[level])
    return sent[level].flatMap(([key, value]) => {
      const now = present.get(key)
      const isSame =
        value.tag === 'ValueAdded' && now?.tag === 'ValueAdded' && now.contents === value.contents
      return isHiddenOverride(value) && !isSame ? [key] : []
    })
  }
  return [...ofLevel('application'), ...ofLevel('deployment')]
}
