/**
 * Who the server sees, and what it lets them do. Read at start, after signing in and out, and when the server says that
 * rights may have changed. Created by app-context.ts; read by everything that offers an action.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { ApiClient } from '../../client/call-endpoint.ts'
import { type ApiError, toApiError } from '../../client/errors.ts'
import type { WhoAmI } from '../../domain/access/access-schemas.ts'
import { type RefusalTarget, refusalReason } from '../../domain/access/refusal.ts'
import { decide, type Permissions, type Right } from '../../domain/access/roles.ts'
import type { Session } from './session.ts'

/** `failed`: the server has not said who the caller is. The server still decides about every request. */
export type Access = 'loading' | 'granted' | 'no_role' | 'signed_out' | 'failed'

export type Identity = {
  /** Null while it is not known, and when nobody is signed in. */
  who: ReadonlySignal<WhoAmI | null>
  access: ReadonlySignal<Access>
  /** True after a session has ended that this tab has used, until somebody signs in or dismisses it. */
  hasEnded: Signal<boolean>
  /** Null while it is not known. */
  permissions: ReadonlySignal<Permissions | null>
  /** Changes when the requests are those of somebody else. */
  key: ReadonlySignal<string>
  /** Why the caller may not do something; null when it may, and while that is not known. */
  refusal(right: Right, target?: RefusalTarget): string | null
  /** Null while it is not known. */
  mayReadOutput(deployment: string): boolean | null
  /** Whether a name that the user enters is sent: where the server does not know who it is. */
  usesDisplayName: ReadonlySignal<boolean>
  /** Asks the server again. A call during a running request shares it. */
  reload(): Promise<void>
  sessionEnded(): Promise<void>
}

/** After a failure the server is asked again. */
const retryMs = 5000

export function createIdentity(client: ApiClient, session: Session): Identity {
  const who = signal<WhoAmI | null>(null)
  const access = signal<Access>('loading')
  const hasEnded = signal(false)
  let running: Promise<void> | null = null
  let retryTimer: ReturnType<typeof setTimeout> | undefined

  /** The browser drops the cookie itself when its time is over. Signing out says so before. */
  const hasLostSession = () => session.hasSession.peek() && who.peek()?.has_session === true

  /** Without the cookie of a session that has ended, the caller may still be somebody, so it is asked once more. */
  const load = async (attempt = 1): Promise<void> => {
    try {
      const found = await client.call('whoami')
      batch(() => {
        if (hasLostSession()) hasEnded.value = true
        session.hasSession.value = found.has_session ?? false
        who.value = found
        access.value = found.grants?.length === 0 ? 'no_role' : 'granted'
        if (found.has_session) hasEnded.value = false
      })
    } catch (caught) {
      const error: ApiError = toApiError(caught)
      if (error.code === 'session_ended') {
        hasEnded.value = true
        session.hasSession.value = false
        if (attempt === 1) return load(2)
      }
      if (error.status === 401) {
        batch(() => {
          if (hasLostSession()) hasEnded.value = true
          session.hasSession.value = false
          who.value = null
          access.value = 'signed_out'
        })
        return
      }
      if (who.peek() === null) access.value = 'failed'
      retryTimer = setTimeout(() => void reload(), retryMs)
    }
  }
  const reload = (): Promise<void> => {
    clearTimeout(retryTimer)
    running ??= load().finally(() => {
      running = null
    })
    return running
  }

  const permissions = computed(() => (who.value === null ? null : permissionsOf(who.value)))
  return {
    who,
    access,
    hasEnded,
    permissions,
    key: computed(() => {
      const { value } = who
      if (value === null) return access.value === 'signed_out' ? 'signed_out' : ''
      const { proof, issuer, subject, actor, has_session } = value
      return JSON.stringify([proof, issuer, subject, actor, has_session])
    }),
    refusal: (right, target) => {
      if (permissions.value === null) return null
      const decision = decide(permissions.value, right, target)
      if (decision.isAllowed) return null
      const { ways } = session
      const isAnonymous = who.value?.proof === 'anonymous' && (ways.oidc !== null || ways.shared)
      return refusalReason(permissions.value, decision, target, { isAnonymous })
    },
    mayReadOutput: (name) =>
      permissions.value === null
        ? access.value === 'loading'
          ? null
          : false
        : decide(permissions.value, 'read_output', { name }).isAllowed,
    usesDisplayName: computed(() => isUnnamed(who.value)),
    reload,
    sessionEnded: () => {
      hasEnded.value = true
      return reload()
    },
  }
}

/** A shared credential and an anonymous caller say nothing about the person. */
const isUnnamed = (who: WhoAmI | null) => who === null || /shared|anonymous/.test(who.proof ?? 'shared')

/** A server of the last release sends only a role. */
function permissionsOf(who: WhoAmI): Permissions {
  const { grants, issuer, subject, respects_owners, output_readers } = who
  const role = who.role === 'admin' ? 'admin' : 'developer'
  return {
    grants: grants ?? [{ role, names: ['*'], rule: '' }],
    person: issuer && subject ? { issuer, subject } : null,
    respectsOwners: respects_owners ?? false,
    outputReaders: output_readers ?? (who.can_read_output === false ? 'admin' : 'viewer'),
  }
}

/** Whether a deployment belongs to the caller. */
export const isOwn = (who: WhoAmI | null, owner: { issuer: string; subject: string } | null | undefined) =>
  who !== null && !!owner && who.issuer === owner.issuer && who.subject === owner.subject
