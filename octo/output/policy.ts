/** The rules of a policy in words. Called by `octo policy check` and `octo policy show`. */
import { toSingleLine } from './terminal-text.ts'

/** Numbered as the rules that whoami and policy explain name. */
export function numberedRules(rules: readonly string[]): string[] {
  const width = String(rules.length).length
  return rules.map((rule, index) => `${String(index + 1).padStart(width)}  ${toSingleLine(rule)}`)
}

/** Trust rules have an order, and numbers of their own. */
export const trustRules = (rules: readonly string[]): string[] =>
  rules.length === 0
    ? []
    : ['CI jobs are trusted by the first rule that matches their ID token:', ...numberedRules(rules)]

export const defaultRoleSentence = (role: string): string =>
  role === 'none'
    ? 'People whom no rule matches have no role.'
    : `People whom no rule matches are ${role} of all deployments.`
