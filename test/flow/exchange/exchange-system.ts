/** A whole Octopod that trusts the jobs of a local issuer, and the requests of such a job. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CiIssuer,
  policyWithTrust,
  startCiIssuer,
  type TrustRuleOfTest,
} from '../../helpers/oidc/ci-issuer.ts'
import { type System, startSystem } from '../../helpers/system.ts'

export type ExchangeSystem = {
  system: System
  ci: CiIssuer
  setTrust(trust: readonly TrustRuleOfTest[]): Promise<void>
  stop(): Promise<void>
}

export async function startExchangeSystem(
  trustOf: (issuer: string) => readonly TrustRuleOfTest[],
  env: Record<string, string> = {},
  alg?: string,
): Promise<ExchangeSystem> {
  const ci = await startCiIssuer(alg)
  const dir = await mkdtemp(join(tmpdir(), 'octopod-policy-'))
  const file = join(dir, 'policy.yaml')
  const setTrust = (trust: readonly TrustRuleOfTest[]) => writeFile(file, policyWithTrust(trust))
  await setTrust(trustOf(ci.issuer))
  const system = await startSystem({ env: { OCTOPOD_POLICY: file, ANONYMOUS_ROLE: 'none', ...env } })
  return {
    system,
    ci,
    setTrust,
    stop: async () => {
      await system.stop()
      await ci.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export type Exchanged = {
  status: number
  body: {
    access_token?: string
    expires_in?: number
    role?: string
    names?: string[]
    code?: string
    error?: string
    error_description?: string
    error_message?: string
  }
  headers: Headers
}

export const exchangeFields = (idToken: string) => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: idToken,
  subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
})

/** Form-encoded, as OAuth has it. */
export async function exchange(url: string, fields: Record<string, string> | string): Promise<Exchanged> {
  const response = await fetch(`${url}/api/v1/token`, {
    method: 'POST',
    body: new URLSearchParams(typeof fields === 'string' ? exchangeFields(fields) : fields),
  })
  return {
    status: response.status,
    body: (await response.json()) as Exchanged['body'],
    headers: response.headers,
  }
}
