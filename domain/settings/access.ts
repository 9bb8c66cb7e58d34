/** The settings that decide who may reach the server, and with which role. Part of domain/settings.ts. */
import { z } from 'zod'
import { optionalText, type Setting, text } from './values.ts'

export const accessSettings = {
  POWER_AUTHORIZATION_HEADER: {
    description: 'The Authorization header that gives the role admin; not set: there is no admin',
    parse: optionalText,
    programs: ['server'],
    secret: true,
  },
  APP_AUTHORIZATION_HEADER: {
    description:
      'The Authorization header that gives the role user; not set: everyone who can reach the server is a user',
    parse: optionalText,
    programs: ['server'],
    secret: true,
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
    parse: optionalText,
    programs: ['server'],
  },
  APP_URL: {
    description:
      'Address of the page, e.g. https://octopod.example.com; several are separated by commas. Not set: the origin must match the Host header',
    parse: text.default('').transform((value) =>
      value
        .split(',')
        .map((part) => part.trim().replace(/\/+$/, ''))
        .filter(Boolean),
    ),
    programs: ['server'],
  },
} as const satisfies Record<string, Setting>
