/** How it was proved who acts. Stored with every action; page and octo show it. Free of zod: the page loads it. */

export const proofs = {
  oidc: { label: 'signed in' },
  token: { label: 'access token' },
  exchange: { label: 'CI identity' },
  proxy: { label: 'signed in at the proxy' },
  shared: { label: 'shared credential' },
  anonymous: { label: 'not signed in' },
  system: { label: 'Octopod' },
  /** An earlier version has stored a name that the client sent. */
  claimed: { label: 'name not proved' },
} as const satisfies Record<string, { label: string }>

export type Proof = keyof typeof proofs
export const proofNames = Object.keys(proofs) as [Proof, ...Proof[]]
