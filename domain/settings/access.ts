/** The settings that decide who may reach the server, and with which role. Part of domain/settings.ts. */
import { z } from 'zod'
import type { Role } from '../access/roles.ts'
import {
  count,
  headerValues,
  integer,
  list,
  onOrOff,
  optionalHeaderName,
  optionalText,
  type Setting,
  seconds,
  serverAndRunner,
  text,
} from './values.ts'

/** `octopod.example.com` or `octopod.example.com:8443`, without a scheme and a path. */
const hostName = z
  .string()
  .refine(
    (host) => host === '*' || URL.parse(`http://${host}`)?.pathname === '/',
    'must be host names, e.g. octopod.example.com, separated by commas',
  )
  .transform((host) => host.toLowerCase())
/** `https://octopod.example.com` or below a path, `https://example.com/octopod`. */
const pageAddress = z
  .string()
  .refine((text) => {
    const { protocol, username, password, search, hash, pathname } = URL.parse(text) ?? {}
    const isPlain = [username, password, search, hash].every((part) => part === '')
    return /^https?:$/.test(protocol ?? '') && isPlain && /^(\/[\w.~-]+)*\/*$/.test(pathname ?? '')
  }, 'must be addresses such as https://octopod.example.com or https://example.com/octopod, separated by commas; a path may have letters, digits and . _ ~ - in it')
  .transform((url) => url.replace(/\/+$/, ''))
const addressOrRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be addresses or ranges, e.g. 10.0.3.7 or 10.0.0.0/16, separated by commas',
})

/** Roles that a setting may give to people whom Octopod does not know one by one. */
const limitedRoles = ['viewer', 'developer', 'operator'] as const satisfies readonly Role[]

export const accessSettings = {
  POWER_AUTHORIZATION_HEADER: {
    description:
      'The Authorization header that gives the role admin, one a line for rotation; not set: nobody gets that role by a header',
    parse: headerValues,
    programs: ['server'],
    secret: true,
  },
  APP_AUTHORIZATION_HEADER: {
    description: 'The Authorization header that gives USER_ROLE, one a line for rotation',
    parse: headerValues,
    programs: ['server'],
    secret: true,
  },
  SHARED_CREDENTIALS: {
    description: 'Whether POWER_AUTHORIZATION_HEADER and APP_AUTHORIZATION_HEADER are accepted: on or off',
    parse: onOrOff.default(true),
    programs: ['server'],
  },
  CONFIG_JSON_CREDENTIAL: {
    description:
      'Whether /config.json gives APP_AUTHORIZATION_HEADER to everyone who can read it, as in Octopod 1.6: on or off; not set: off with OIDC_ISSUER or ACTOR_HEADER, else on',
    parse: onOrOff.optional(),
    programs: ['server'],
  },
  USER_ROLE: {
    description: 'The role that APP_AUTHORIZATION_HEADER gives: viewer, developer or operator',
    parse: z.enum(limitedRoles).default('developer'),
    programs: ['server'],
  },
  ANONYMOUS_ROLE: {
    description:
      'The role of everyone who can reach the server without signing in: none, viewer, developer or operator; not set: none, and the server starts only where people can sign in',
    parse: z.enum(['none', ...limitedRoles]).optional(),
    programs: ['server'],
  },
  SIGNED_IN_ROLE: {
    description:
      'The role of people who signed in, where OCTOPOD_POLICY is not set: none, viewer, developer or operator',
    parse: z.enum(['none', ...limitedRoles]).default('developer'),
    programs: ['server'],
  },
  OCTOPOD_POLICY: {
    description:
      'File that gives roles to people by their groups (docs/policy.md); it is read again after a change',
    parse: optionalText,
    programs: ['server'],
  },
  OWNERSHIP: {
    description:
      'Whether a deployment with an owner is closed to other developers: on or off; not set: on for a new database, off for an upgraded one',
    parse: onOrOff.optional(),
    programs: ['server'],
  },
  OUTPUT_READERS: {
    description:
      'The lowest role that may read the output of actions: developer, operator or admin (as in Octopod 1.6)',
    parse: z.enum(['developer', 'operator', 'admin']).default('developer'),
    programs: ['server'],
  },
  ACTOR_HEADER: {
    description: 'Header in which a proxy of TRUSTED_PROXIES names the person, e.g. X-Forwarded-User',
    parse: optionalHeaderName,
    programs: ['server'],
  },
  GROUPS_HEADER: {
    description:
      'Header in which a proxy of TRUSTED_PROXIES names the groups of the person, separated by commas, e.g. X-Forwarded-Groups',
    parse: optionalHeaderName,
    programs: ['server'],
  },
  APP_URL: {
    description:
      'Address of the page, e.g. https://octopod.example.com or https://example.com/octopod; several are separated by commas. Not set: the origin must match the Host header',
    parse: list(pageAddress),
    programs: serverAndRunner,
  },
  PROXY_PATH: {
    description:
      'What the proxy does with the path of APP_URL: passed (the server receives it) or removed; only that form is answered',
    parse: z.enum(['passed', 'removed']).default('passed'),
    programs: ['server'],
  },
  ALLOWED_HOSTS: {
    description:
      'Hosts at which requests without a credential are answered, besides those of APP_URL; separated by commas; * means all',
    parse: list(hostName),
    programs: ['server'],
  },
  TRUSTED_PROXIES: {
    description:
      'Addresses or ranges of proxies, separated by commas; X-Forwarded-For, -Host and -Proto, ACTOR_HEADER and GROUPS_HEADER count only from them',
    parse: list(addressOrRange),
    programs: ['server'],
  },
  REQUEST_LIMIT: {
    description:
      'Requests per second that one address may send without a credential, on average; 0: no limit',
    parse: integer(0, 200),
    programs: ['server'],
  },
  SCRIPT_QUERY_CALLER_LIMIT: {
    description: 'Maximum number of script queries that one caller has at a server at a time; 0: no limit',
    parse: integer(0, 16),
    programs: ['server'],
  },
  OIDC_ISSUER: {
    description:
      'Issuer of the OpenID Connect provider with which people sign in, e.g. https://login.example.com/realms/shop; needs APP_URL',
    parse: z.url('must be a URL').optional(),
    programs: ['server'],
  },
  OIDC_CLIENT_ID: {
    description: 'The client id that the provider has given to Octopod',
    parse: optionalText,
    programs: ['server'],
  },
  OIDC_CLIENT_SECRET: {
    description: 'The client secret; not set: Octopod is a public client',
    parse: optionalText,
    programs: ['server'],
    secret: true,
  },
  OIDC_CLIENT_SECRET_FILE: {
    description: 'File with the client secret, instead of OIDC_CLIENT_SECRET',
    parse: optionalText,
    programs: ['server'],
  },
  OIDC_SCOPES: {
    description:
      'What Octopod asks the provider for, separated by spaces; offline_access gives the refresh token',
    parse: text.default('openid profile email offline_access'),
    programs: ['server'],
  },
  OIDC_GROUPS_CLAIM: {
    description: 'The claim with the groups of a person',
    parse: text.default('groups'),
    programs: ['server'],
  },
  OIDC_ALLOWED_GROUPS: {
    description: 'Groups that may sign in, separated by commas; not set: everyone whom the provider lets in',
    parse: list(text),
    programs: ['server'],
  },
  OIDC_NAME: {
    description: 'Name of the provider on the button for signing in',
    parse: text.default('single sign-on'),
    programs: ['server'],
  },
  OIDC_REFRESH_INTERVAL: {
    description: 'Seconds after which the groups of a person are read again from the provider',
    parse: seconds(600),
    programs: ['server'],
  },
  TOKEN_MAX_DAYS: {
    description: 'The longest lifetime of an access token, in days',
    parse: count(1, 366),
    programs: ['server'],
  },
  SESSION_IDLE_TIMEOUT: {
    description: 'Seconds after which an unused session ends',
    parse: seconds(43_200),
    programs: ['server'],
  },
  SESSION_MAX_AGE: {
    description: 'Seconds after which a session ends in any case',
    parse: seconds(604_800),
    programs: ['server'],
  },
} as const satisfies Record<string, Setting>
