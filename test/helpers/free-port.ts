/** A port of 127.0.0.1 that nobody uses just now; for tests that start servers. */
import { freePort as find } from '../../infra/local/port.ts'

export function freePort(): Promise<number> {
  return find('127.0.0.1')
}
