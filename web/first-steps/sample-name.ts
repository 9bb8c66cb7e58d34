/** The name of the first deployment that somebody creates. Pure; used by first-steps.ts. */
import { deploymentNameError } from '../../domain/deployment-name.ts'

type Options = {
  /** Patterns of the names that the caller has a role for. */
  patterns: readonly string[]
  maxLength: number
  /** Whether the caller may create a deployment with this name, and none has it. */
  isPossible(name: string): boolean
}

const base = 'sample'
const maxNumber = 20

/** `sample`, or by the pattern `shop-*` `shop-sample`, with a number when it is taken. Null: no such name is possible. */
export function sampleName({ patterns, maxLength, isPossible }: Options): string | null {
  for (const pattern of ['*', ...patterns]) {
    for (let number = 1; number <= maxNumber; number += 1) {
      const name = pattern.replaceAll('*', number === 1 ? base : `${base}-${number}`)
      if (deploymentNameError(name, maxLength) === null && isPossible(name)) return name
    }
  }
  return null
}
