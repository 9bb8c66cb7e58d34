/**
 * Makes and reads the references that stand for values of secret keys. A MAC under the key of the installation binds each to one
 * deployment, level and key, so a reference says nothing and fits nowhere else. Used by hide-secrets.ts and restore-secrets.ts.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type ConfigLevel, normalizeKey } from '../../domain/overrides.ts'
import { isSecretReference, referencePrefix } from '../../domain/secrets/secret-reference.ts'

/** A deployment that is deleted and created again is another one. `createdAt`: as in answers of the API. */
export type ReferenceOwner = { name: string; createdAt: string }

export type Place = { level: ConfigLevel; key: string }

/** `name`: the deployment that it claims to be of; null for the default of a script. */
export type Reference = { name: string | null; bytes: Buffer }

export type References = {
  /** The same value gives the same reference, so that a client sees whether a secret has changed. */
  ofValue(owner: ReferenceOwner, place: Place, value: string): string
  /** Says nothing about the value: everybody may have the scripts compute defaults of values of their choice. */
  ofDefault(place: Place): string
  /** Null for any other text. Proves nothing before one of the next two. */
  read(text: string): Reference | null
  fitsValue(reference: Reference, owner: ReferenceOwner, place: Place): boolean
  fitsDefault(reference: Reference, place: Place): boolean
}

/** Layout: type, digest of the value (only `value`), MAC, name of the deployment (only `value`). */
const types = { value: 1, default: 2 } as const
const digestLength = 8
const macLength = 16
const nameStart = 1 + digestLength + macLength

export function createReferences(key: Buffer): References {
  const macOf = (length: number, ...parts: string[]) =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest().subarray(0, length)
  const valueMac = ({ name, createdAt }: ReferenceOwner, { level, key: configKey }: Place, digest: Buffer) =>
    macOf(macLength, 'value', name, createdAt, level, normalizeKey(configKey), digest.toString('hex'))
  const defaultMac = ({ level, key: configKey }: Place) =>
    macOf(macLength, 'default', level, normalizeKey(configKey))

  return {
    ofValue(owner, place, value) {
      const { name, createdAt } = owner
      const digest = macOf(
        digestLength,
        'digest',
        name,
        createdAt,
        place.level,
        normalizeKey(place.key),
        value,
      )
      return toText([Buffer.of(types.value), digest, valueMac(owner, place, digest), Buffer.from(name)])
    },
    ofDefault: (place) => toText([Buffer.of(types.default), defaultMac(place)]),
    read(text) {
      if (!isSecretReference(text)) return null
      const bytes = Buffer.from(text.slice(referencePrefix.length), 'base64url')
      if (bytes[0] === types.default && bytes.length === 1 + macLength) return { name: null, bytes }
      if (bytes[0] !== types.value || bytes.length <= nameStart) return null
      return { name: bytes.subarray(nameStart).toString(), bytes }
    },
    fitsValue({ name, bytes }, owner, place) {
      if (name !== owner.name) return false
      const digest = bytes.subarray(1, 1 + digestLength)
      return timingSafeEqual(bytes.subarray(1 + digestLength, nameStart), valueMac(owner, place, digest))
    },
    fitsDefault: ({ name, bytes }, place) =>
      name === null && timingSafeEqual(bytes.subarray(1), defaultMac(place)),
  }
}

const toText = (parts: readonly Buffer[]) => referencePrefix + Buffer.concat(parts).toString('base64url')
