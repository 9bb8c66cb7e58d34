/** A port of 127.0.0.1 that nobody uses just now; for tests that start servers. */
import { freePort as findFreePort } from '../../infra/dev/port.ts'

export function freePort(): Promise<number> {
  return findFreePort('127.0.0.1')
}
