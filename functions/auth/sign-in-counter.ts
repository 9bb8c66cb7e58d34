/** Counts refused sign-ins, for the metrics. Created by auth.ts. */

export type SignInCounter = { recordFailure(): void; failedCount(): number }

export function createSignInCounter(): SignInCounter {
  let failed = 0
  return {
    recordFailure: () => {
      failed += 1
    },
    failedCount: () => failed,
  }
}
