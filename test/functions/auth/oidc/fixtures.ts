/** A provider with one person, and clients of it. Used by the tests of this folder. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { SignInErrorCode } from '../../../../domain/access/sign-in-errors.ts'
import {
  createOidcProvider,
  type OidcProvider,
  type OidcProviderOptions,
  type SignedInPerson,
} from '../../../../functions/auth/oidc/provider.ts'
import { SignInError } from '../../../../functions/auth/oidc/sign-in-error.ts'
import {
  signInWithFetch,
  startOidcProvider,
  type TestOidcProvider,
} from '../../../helpers/oidc/oidc-provider.ts'

export const callbackUri = 'http://localhost/auth/callback'

type ClientOptions = Partial<OidcProviderOptions>

export async function setUp(
  context: TestContext,
  options: Parameters<typeof startOidcProvider>[0] = {},
): Promise<{ provider: TestOidcProvider; oidc: (options?: ClientOptions) => OidcProvider }> {
  const provider = await startOidcProvider({
    accounts: { anna: { name: 'Anna Berg', email: 'anna@example.com', groups: ['dev', 'ops'] } },
    ...options,
  })
  context.after(() => provider.stop())
  const oidc = (client: ClientOptions = {}) =>
    createOidcProvider({
      issuer: provider.issuer,
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
      scopes: 'openid profile email offline_access',
      groupsClaim: 'groups',
      allowedGroups: [],
      redirectUri: callbackUri,
      ...client,
    })
  return { provider, oidc }
}

/** The whole flow as one person. */
export async function signIn(oidc: OidcProvider, subject = 'anna'): Promise<SignedInPerson> {
  const { location, pending } = await oidc.startSignIn()
  return oidc.finishSignIn(await signInWithFetch(location, subject), pending)
}

/** Resolves with the error, whose texts hold nothing secret. */
export async function assertRejects(promise: Promise<unknown>, code: SignInErrorCode): Promise<SignInError> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}`),
    (reason) => reason,
  )
  assert.ok(error instanceof SignInError, String(error?.stack))
  assert.equal(error.code, code, `${error.code}: ${error.detail}`)
  assert.doesNotMatch(`${error.message} ${error.detail}`, /eyJ|secret-of-the-test-client/)
  assert.equal(error.cause, undefined)
  return error
}
