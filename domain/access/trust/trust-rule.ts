/** The shape of a trust rule: which ID tokens of CI systems are exchanged for a token of Octopod. Part of policy.ts. */
import { z } from 'zod'
import { isLoopbackHost } from '../../../lib/loopback-host.ts'
import { roles } from '../roles.ts'
import { templateProblem } from './name-template.ts'

export const maxLifetimeSeconds = 900

const text = z.string().min(1).max(500)

/** It is compared with the claim `iss` as it is, and fetched. */
const issuer = text.superRefine((value, context) => {
  const url = URL.parse(value)
  const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))
  const isPlain = url !== null && url.username === '' && url.password === '' && !/[?#]/.test(value)
  if (!isSecure || !isPlain)
    context.addIssue({
      code: 'custom',
      message: 'must be the address of the issuer, as its tokens have it: https, without ? and #',
    })
})

const conditionValue = z.union([text, z.int(), z.boolean()]).transform(String)
const condition = z
  .union([conditionValue, z.array(conditionValue).min(1).max(100)], {
    error:
      'must be a text, a whole number, true or false, or a list of them (at most 100); put a long number in quotes',
  })
  .transform((values) => (Array.isArray(values) ? values : [values]))

/** They have keys of their own, or are always checked. */
const reservedClaims = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti'])

const trustRoles = roles.filter((role) => role !== 'admin') as Exclude<(typeof roles)[number], 'admin'>[]

export const trustRule = z
  .strictObject({
    issuer: issuer.describe('the claim iss; its keys are fetched from there'),
    audience: z
      .union([text, z.array(text).min(1).max(10)])
      .transform((values) => (Array.isArray(values) ? values : [values]))
      .describe('the claim aud: for whom the token is made'),
    conditions: z
      .record(z.string().min(1).max(200), condition)
      .describe('claims and their values; * stands for any number of characters; all must match'),
    role: z.enum(trustRoles, { error: 'must be viewer, developer or operator: a CI job is no admin' }),
    names: z
      .array(
        text.superRefine((template, context) => {
          const problem = templateProblem(template)
          if (problem !== null) context.addIssue({ code: 'custom', message: problem })
        }),
      )
      .min(1)
      .max(20)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a policy file writes a claim.
      .describe('patterns of deployment names, with claims as ${claim}'),
    lifetime_seconds: z.int().min(60).max(maxLifetimeSeconds).default(maxLifetimeSeconds),
    single_use: z.boolean().default(false).describe('whether an ID token is exchanged once only'),
  })
  .superRefine(({ issuer, conditions }, context) => {
    const names = Object.keys(conditions)
    const add = (message: string, path: string[] = []) =>
      context.addIssue({ code: 'custom', message, path: ['conditions', ...path] })
    for (const name of names)
      if (reservedClaims.has(name))
        add(name === 'iss' || name === 'aud' ? `use issuer and audience` : 'is always checked', [name])
    if (names.length > 20) add('at most 20 claims')
    if (names.every((name) => conditions[name]?.some(isOpen)))
      return add('A trust rule needs a condition: else every token of the issuer would count.')
    const tenant = publicIssuers.find(({ pattern }) => pattern.test(issuer))
    if (tenant !== undefined && !names.some((name) => tenant.isPinned(name, conditions[name] ?? [])))
      add(`Everybody can get a token of ${issuer}: name yours with ${tenant.claims}, as ${tenant.example}.`)
  })

export type TrustRule = z.output<typeof trustRule>

const isOpen = (pattern: string) => /^\*+$/.test(pattern)

const isExact = (patterns: readonly string[]) => patterns.every((pattern) => !pattern.includes('*'))
/** Up to its first `*` it names an owner: `acme/*`, not `acme*`. */
const hasOwner = (patterns: readonly string[], start: RegExp) =>
  patterns.every((pattern) => start.test(pattern))

/** Issuers that give tokens to everybody who has an account, and the claims that say whose token it is. */
const publicIssuers = [
  {
    pattern: /^https:\/\/token\.actions\.githubusercontent\.com\/?$/,
    claims: 'repository_id or repository_owner_id',
    example: "repository_id: '1234567'",
    isPinned: (name: string, patterns: readonly string[]) =>
      ['repository_id', 'repository_owner_id', 'enterprise_id'].includes(name)
        ? isExact(patterns)
        : name === 'repository_owner'
          ? isExact(patterns)
          : name === 'repository'
            ? hasOwner(patterns, /^[^*/]+\//)
            : name === 'sub' && hasOwner(patterns, /^repo:[^*/:]+\//),
  },
  {
    pattern: /^https:\/\/gitlab\.com\/?$/,
    claims: 'project_id or namespace_id',
    example: "project_id: '1234567'",
    isPinned: (name: string, patterns: readonly string[]) =>
      ['project_id', 'namespace_id', 'namespace_path'].includes(name)
        ? isExact(patterns)
        : name === 'project_path'
          ? hasOwner(patterns, /^[^*/]+\//)
          : name === 'sub' && hasOwner(patterns, /^project_path:[^*/:]+\//),
  },
] as const

export function describeTrustRule(rule: TrustRule): string {
  const conditions = Object.entries(rule.conditions).map(([name, values]) => `${name} ${values.join(' or ')}`)
  return `tokens of ${rule.issuer} for ${rule.audience.join(' or ')} with ${conditions.join(', ')}: ${rule.role} of ${rule.names.join(', ')}${rule.single_use ? ', once' : ''}`
}
