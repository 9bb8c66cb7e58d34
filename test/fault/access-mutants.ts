/** Mutants of the rules of access and of waiting actions. Each removes one of them and names the test that must fail then. Used by mutations.ts. */
import type { Mutant } from './mutants.ts'

export type AccessMutant = Pick<Mutant, 'file' | 'search' | 'replacement'> & { failsIn: string }

const walk = 'test/flow/access/access-walk.test.ts'
const signIn = 'test/flow/sign-in/sign-in.test.ts'
const sessions = 'test/fault/sessions.test.ts'
const deviceLogin = 'test/flow/sign-in/device-login.test.ts'
const waiting = 'test/db/rules/waiting-action.test.ts'
const exchange = 'test/flow/exchange/exchange.test.ts'
const idTokens = 'test/flow/exchange/bad-id-tokens.test.ts'

export const accessMutants: Record<string, AccessMutant> = {
  'access: a transaction that does not compare the owner': {
    file: 'db/definitions/functions.sql',
    search: "when p_scope = 'all' then true",
    replacement: 'when true then true',
    failsIn: walk,
  },
  'access: a decision that does not compare the owner': {
    file: 'domain/access/roles.ts',
    search: "if (scope === 'all') return true",
    replacement: "if (scope !== 'none') return true",
    failsIn: walk,
  },
  'access: an action of a hidden deployment is shown': {
    file: 'functions/actions/require-action-right.ts',
    search: "if (!decide(permissions, 'read', { name: target.name }).isAllowed)",
    replacement: "if (target.name === '')",
    failsIn: walk,
  },
  'access: a list of all names': {
    file: 'functions/deployments/list-cache.ts',
    search: 'filter(({ name }) => view.includes(name))',
    replacement: 'filter(() => true)',
    failsIn: walk,
  },
  'access: events of all names': {
    file: 'functions/live/websocket.ts',
    search: 'if (!channel.view.includes(name)) continue',
    replacement: '',
    failsIn: walk,
  },
  'access: a proxy header counts from everyone': {
    file: 'functions/auth/trusted-proxy.ts',
    search: 'if (!sender.isFromTrustedProxy(request)) return null',
    replacement: '',
    failsIn: 'test/functions/auth/identify.test.ts',
  },
  'access: a claimed name is the actor': {
    file: 'functions/auth/actor.ts',
    search: 'actor: sanitize(identity.name, 200)',
    replacement: 'actor: sanitize(claimed ?? identity.name, 200)',
    failsIn: signIn,
  },
  'access: a cookie counts from pages of other origins': {
    file: 'functions/access/same-origin.ts',
    search: 'if (origin && URL.parse(origin)?.origin === ownOrigin) return',
    replacement: 'if (ownOrigin) return',
    failsIn: signIn,
  },
  'access: a session of another provider counts': {
    file: 'functions/auth/identify.ts',
    search: 'isSameIssuer(issuer, settings.OIDC_ISSUER) &&',
    replacement: '',
    failsIn: 'test/flow/access/odd-identities.test.ts',
  },
  'access: a log line with what the provider has repeated': {
    file: 'functions/auth/oidc/explain-error.ts',
    search: "text.replace(/[\\w.~+/=-]{20,}/g, '…')",
    replacement: 'text',
    failsIn: 'test/flow/access/secrets-in-logs.test.ts',
  },
  'access: an ended session stays in the memory of other servers': {
    file: 'functions/server.ts',
    search: 'onSession: (changed) => services.auth.sessions.receive(changed),',
    replacement: 'onSession: () => {},',
    failsIn: sessions,
  },
  'access: a session that cannot be read is anonymous': {
    file: 'functions/auth/identify.ts',
    search: "throw isDatabaseUnavailable(error) ? unreadable('The session', error) : error",
    replacement: 'if (isDatabaseUnavailable(error)) return anonymous\n      throw error',
    failsIn: sessions,
  },
  'access: a request without an Origin approves a login': {
    file: 'functions/auth/device/device-handlers.ts',
    search: "if (!header('origin'))",
    replacement: 'if (false)',
    failsIn: deviceLogin,
  },
  'access: a device code that is used twice leaves its token valid': {
    file: 'functions/auth/device/device-flow.ts',
    search: "(await auth.tokens.revoke(login.tokenId, 'used twice'))",
    replacement: 'auth.tokens === null',
    failsIn: deviceLogin,
  },
  'access: a token of a shared credential outlives its value': {
    file: 'functions/auth/identify.ts',
    search: 'isCurrent(token, credential, credentialMac)',
    replacement: 'credentialMac !== null',
    failsIn: deviceLogin,
  },
  'access: an ID token for somebody else counts': {
    file: 'domain/access/trust/decide-trust.ts',
    search: 'audience.some((one) => audiences.includes(one))',
    replacement: 'audience.length > 0',
    failsIn: idTokens,
  },
  'access: a claim widens a pattern of names': {
    file: 'domain/access/trust/name-template.ts',
    search: 'if (!safeValue.test(value))',
    replacement: 'if (value === null)',
    failsIn: idTokens,
  },
  'access: a job that strangers can start is trusted': {
    file: 'domain/access/trust/decide-trust.ts',
    search: "failed.length === 0 && isUntrustedEvent(conditions, claims) ? ['event_name'] : failed",
    replacement: 'failed',
    failsIn: 'test/domain/access/trust/decide-trust.test.ts',
  },
  'access: an ID token that counts once counts twice': {
    file: 'db/queries/access/exchanged-tokens.ts',
    search: ' or exists (select from used)',
    replacement: ' or true',
    failsIn: exchange,
  },
  'access: a CI job approves a login': {
    file: 'functions/auth/device/device-handlers.ts',
    search: 'if (identity.token !== null)',
    replacement: "if (identity.proof === 'token')",
    failsIn: exchange,
  },
  'access: a CI job owns what it creates': {
    file: 'db/definitions/enqueue.sql',
    search:
      "case when p_proof <> 'exchange' then p_issuer end, case when p_proof <> 'exchange' then p_subject end",
    replacement: 'p_issuer, p_subject',
    failsIn: exchange,
  },
  'waiting: no trigger that starts a waiting action': {
    file: 'db/definitions/triggers.sql',
    search: /create or replace trigger start_waiting_action [^;]*;/,
    replacement: '',
    failsIn: waiting,
  },
  'waiting: a sweep that starts no waiting action': {
    file: 'db/queries/recovery.ts',
    search: /select start_waiting_action\(\S+ as "actionId"/,
    replacement: 'select null::bigint as "actionId"',
    failsIn: waiting,
  },
}
