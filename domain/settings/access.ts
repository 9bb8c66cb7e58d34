/** The settings that decide who may reach the server, and with which role. Part of domain/settings.ts. */
import { z } from 'zod'
import { integer, list, optionalHeaderName, optionalHeaderValue, type Setting } from './values.ts'

/** `octopod.example.com` or `octopod.example.com:8443`, without a scheme and a path. */
const hostName = z
  .string()
  .refine(
    (host) => host === '*' || URL.parse(`http://${host}`)?.pathname === '/',
    'must be host names, e.g. octopod.example.com, separated by commas',
  )
  .transform((host) => host.toLowerCase())
const addressOrRange = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be addresses or ranges, e.g. 10.0.3.7 or 10.0.0.0/16, separated by commas',
})

export const accessSettings = {
  POWER_AUTHORIZATION_HEADER: {
    description: 'The Authorization header that gives the role admin; not set: there is no admin',
    parse: optionalHeaderValue,
    programs: ['server'],
    secret: true,
  },
  APP_AUTHORIZATION_HEADER: {
    description:
      'The Authorization header that gives the role user; not set: everyone who can reach the server is a user',
    parse: optionalHeaderValue,
    programs: ['server'],
    secret: true,
  },
  CONFIG_JSON_CREDENTIAL: {
    description:
      'Whether /config.json gives APP_AUTHORIZATION_HEADER to everyone who can read it, as in Octopod 1.6: on or off',
    // YAML reads on and off as booleans.
    parse: z.enum(['on', 'off', 'true', 'false']).default('on'),
    programs: ['server'],
  },
  OUTPUT_READERS: {
    description:
      'Who may read the output of actions: developer (everyone with the role user), operator or admin (as in Octopod 1.6)',
    parse: z.enum(['developer', 'operator', 'admin']).default('developer'),
    programs: ['server'],
  },
  ACTOR_HEADER: {
    description:
      'Header in which a trusted proxy names the user, e.g. X-Forwarded-User; set it only behind such a proxy',
    parse: optionalHeaderName,
    programs: ['server'],
  },
  APP_URL: {
    description:
      'Address of the page, e.g. https://octopod.example.com; several are separated by commas. Not set: the origin must match the Host header',
    parse: list(z.string().transform((url) => url.replace(/\/+$/, ''))),
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
      'Addresses or ranges of proxies, separated by commas; X-Forwarded-For, -Host and -Proto count only from them',
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
} as const satisfies Record<string, Setting>
