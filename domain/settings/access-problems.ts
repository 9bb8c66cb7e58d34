/** What is wrong with the settings of access together. Called by read-settings.ts for a server. */
import { isLoopbackUrl } from '../../lib/loopback-host.ts'
import type { SettingsFor } from '../settings.ts'

/** Closed by default: a server starts only when somebody has said who may use it (contract §8). */
export function* accessProblems(settings: SettingsFor<'server'>): Generator<string> {
  const { OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_CLIENT_SECRET_FILE, APP_URL } = settings
  if (OIDC_ISSUER !== undefined) {
    if (OIDC_CLIENT_ID === undefined) yield 'OIDC_ISSUER needs OIDC_CLIENT_ID'
    if (APP_URL.length === 0)
      yield 'OIDC_ISSUER needs APP_URL, the address to which the provider sends people back'
    if (OIDC_CLIENT_SECRET !== undefined && OIDC_CLIENT_SECRET_FILE !== undefined)
      yield 'OIDC_CLIENT_SECRET and OIDC_CLIENT_SECRET_FILE are both set; set one of them'
    if (!OIDC_ISSUER.startsWith('https:') && !isLoopbackUrl(OIDC_ISSUER))
      yield 'OIDC_ISSUER must begin with https:, except on this machine'
  }
  yield* pathProblems(APP_URL)
  const { ACTOR_HEADER, GROUPS_HEADER, TRUSTED_PROXIES } = settings
  if (ACTOR_HEADER !== undefined && TRUSTED_PROXIES.length === 0)
    yield 'ACTOR_HEADER needs TRUSTED_PROXIES, the addresses of the proxy that sets it: everyone else could send that header too'
  if (GROUPS_HEADER !== undefined && ACTOR_HEADER === undefined)
    yield 'GROUPS_HEADER needs ACTOR_HEADER, the header that names the person'
  if (!canSignIn(settings) && settings.ANONYMOUS_ROLE === undefined)
    yield [
      'Nobody could use this installation: no way to sign in is set. Set one of',
      '  OIDC_ISSUER               people sign in with OpenID Connect (docs/sign-in.md)',
      '  ACTOR_HEADER              a proxy signs people in',
      '  APP_AUTHORIZATION_HEADER  people share a credential, as in Octopod 1.6',
      '  ANONYMOUS_ROLE=developer  everyone who can reach the server may use it, as in Octopod 1.6 behind an ingress',
      '  ANONYMOUS_ROLE=none       only clients with POWER_AUTHORIZATION_HEADER may use it',
    ].join('\n')
}

/** Below these paths a request with the path of APP_URL looks like one from which a proxy has removed it. */
const ownPaths = ['api', 'auth', 'docs', 'event']

function* pathProblems(urls: readonly string[]): Generator<string> {
  const paths = new Set(urls.map((url) => new URL(url).pathname))
  if (paths.size > 1)
    yield `APP_URL: all addresses must have the same path, and these have ${[...paths].join(' and ')}; write the same one for each host`
  for (const path of paths)
    if (ownPaths.includes(path.split('/')[1] ?? ''))
      yield `APP_URL: ${path} cannot be the path of the page, because Octopod itself has paths below ${ownPaths.map((own) => `/${own}`).join(', ')}; choose another one, e.g. /octopod`
}

/** Whether there is a way for people, not only for programs with the admin header. */
export const canSignIn = (
  settings: Pick<
    SettingsFor<'server'>,
    'OIDC_ISSUER' | 'ACTOR_HEADER' | 'APP_AUTHORIZATION_HEADER' | 'SHARED_CREDENTIALS'
  >,
): boolean =>
  settings.OIDC_ISSUER !== undefined ||
  settings.ACTOR_HEADER !== undefined ||
  (settings.SHARED_CREDENTIALS && settings.APP_AUTHORIZATION_HEADER.length > 0)
