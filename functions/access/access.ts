/** The rules of this folder, made once from the settings. create-services.ts calls it. */
import type { Logger } from 'pino'
import type { ServerSettings } from '../../domain/settings.ts'
import { createHostRule, type HostRule } from './allowed-hosts.ts'
import { type CallerLimits, createCallerLimits } from './limits.ts'
import { createOriginRule, type OriginRule } from './same-origin.ts'
import type { RawRequest, SenderReader } from './sender.ts'
import { createWrongCredentials, type WrongCredentials } from './wrong-credentials.ts'

export type Access = {
  sender: SenderReader
  requireAllowedHost: HostRule
  requireSameOrigin: OriginRule
  limits: CallerLimits
  wrongCredentials: WrongCredentials
}

export function createAccess(
  settings: ServerSettings,
  sender: SenderReader,
  hasValidHeader: (request: RawRequest) => boolean | Promise<boolean>,
  log: Logger,
): Access {
  return {
    sender,
    requireAllowedHost: createHostRule(settings, sender, hasValidHeader),
    requireSameOrigin: createOriginRule(settings, sender),
    limits: createCallerLimits(settings),
    wrongCredentials: createWrongCredentials(log),
  }
}
