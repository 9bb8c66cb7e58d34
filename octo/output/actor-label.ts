/** How octo shows who acted, with the proof. Called by the commands and by actions/wait-outcome.ts. */
import { type Proof, proofs } from '../../domain/access/proof.ts'

type ShownActor = { actor: string; proof?: Proof | undefined; claimed_actor?: string | null | undefined }

/** A name that the client has sent is never shown as the actor. */
export function actorLabel({ actor, proof, claimed_actor: claimed }: ShownActor): string {
  if (proof === 'claimed') return `${actor} (${proofs.claimed.label})`
  const isPerson = proof !== 'shared' && proof !== 'anonymous'
  return claimed && !isPerson ? `${actor} (claims to be ${claimed})` : actor
}
