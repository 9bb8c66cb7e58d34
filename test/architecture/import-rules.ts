/**
 * Which folder may import what, as data with a reason for each entry. imports.test.ts checks it. A new package needs a
 * reason here and in DECISIONS.md; a new import between top folders needs a decision.
 */
import type { TopFolder } from './repository.ts'

export type ImportRule = {
  /** Other top folders. */
  folders: readonly TopFolder[]
  /** Packages, each with its use. */
  packages: Record<string, string>
  /** Whether `node:` modules may be imported. */
  mayUseNode: boolean
  reason: string
}

export const importRules: Record<TopFolder, ImportRule> = {
  lib: {
    folders: [],
    packages: { '@ansi-tools/parser': 'reads the control codes of terminals' },
    mayUseNode: false,
    reason: 'small helpers without I/O that run in the browser and in Node',
  },
  domain: {
    folders: ['lib'],
    packages: { zod: 'the schemas', yaml: 'the policy file, for the server and octo' },
    mayUseNode: false,
    reason: 'pure rules, the same in the browser and in Node: no I/O, no clock, no environment',
  },
  client: {
    folders: ['domain', 'lib'],
    packages: { 'eventsource-parser': 'reads server-sent events' },
    mayUseNode: false,
    reason: 'the one client of the API, for the page and octo: runs in the browser and in Node, without zod',
  },
  db: {
    folders: ['domain', 'lib'],
    packages: {
      slonik: 'runs every query',
      pg: 'the PostgreSQL driver, which also runs the migrations',
      ioredis: 'connections, caches, pub/sub',
      bullmq: 'the queues',
      zod: 'validates rows and messages',
    },
    mayUseNode: true,
    reason: 'the only folder that knows PostgreSQL and Redis; functions and runner meet here',
  },
  functions: {
    folders: ['db', 'domain', 'lib'],
    packages: {
      hono: 'routes, middlewares, the Lambda adapter',
      '@hono/node-server': 'serves the same app from a process',
      ws: 'the websocket',
      zod: 'parses requests and writes JSON Schema',
      pino: 'the log',
      'prom-client': 'metrics',
      'ipaddr.js': 'compares addresses with TRUSTED_PROXIES',
      'rate-limiter-flexible': 'counts requests by caller',
      'lru-cache': 'remembers wrong credentials',
      'openid-client': 'signs people in at an OpenID Connect provider',
      jose: 'checks the signatures of ID tokens',
    },
    mayUseNode: true,
    reason: 'stateless request handlers; they never run a script themselves',
  },
  runner: {
    folders: ['db', 'domain', 'lib'],
    packages: {
      'csv-parse': 'parses the output of config scripts and info',
      'lru-cache': 'the cache of config scripts',
      'ipaddr.js': 'webhooks are sent to public addresses only',
      standardwebhooks: 'signs webhooks',
      undici: 'sends webhooks',
      yaml: 'reads the manifest of the control scripts',
      pino: 'the log',
    },
    mayUseNode: true,
    reason: 'the only folder that runs scripts; it answers no HTTP request',
  },
  web: {
    folders: ['client', 'domain', 'lib'],
    packages: {
      preact: 'renders the page',
      htm: 'templates without a build step',
      '@preact/signals': 'the state of the page',
    },
    mayUseNode: false,
    reason: 'runs in the browser',
  },
  octo: {
    folders: ['client', 'domain', 'lib'],
    packages: {
      'ci-info': 'recognizes CI systems',
      clipanion: 'commands and options',
      undici: 'HTTP requests',
      yaml: 'reads and writes YAML',
    },
    mayUseNode: true,
    reason: 'one program that speaks HTTP only',
  },
  infra: {
    folders: ['lib'],
    packages: {
      'redis-memory-server': 'the Redis of npm start where no other is installed',
      pg: 'checks that the PostgreSQL of npm start is ready',
      ioredis: 'checks that its Redis is ready',
      hono: 'the example app of a local deployment',
      '@hono/node-server': 'the example app of a local deployment',
    },
    mayUseNode: true,
    reason: 'starts the other folders as programs; no folder imports it',
  },
  test: {
    folders: ['lib', 'domain', 'client', 'db', 'functions', 'runner', 'web', 'octo', 'infra'],
    packages: {},
    mayUseNode: true,
    reason: 'tests everything; no folder imports it',
  },
}

/** Subfolders with other rules than their top folder. */
export const subfolderRules: Record<string, Partial<ImportRule> & { reason: string }> = {
  'lib/node/': {
    mayUseNode: true,
    reason: 'starts and ends programs; domain and web must not import it',
  },
  'infra/control-scripts/lint/': {
    folders: ['domain', 'lib', 'runner'],
    reason: 'the linter runs control scripts and reads their output exactly as a runner does',
  },
  'infra/rehearsal/': {
    folders: ['domain', 'lib', 'runner'],
    reason: 'the rehearsal runs control scripts and reads their output exactly as a runner does',
  },
}

/** Single imports that no rule allows. */
export const allowedImports: Record<string, string> = {
  'octo/cli/version.ts → package.json': 'octo --version is the version of the package',
}

/** Packages of another folder that a folder may import as types only. */
export const typeOnlyPackages: Record<string, string> = {
  'functions → ioredis': 'services.ts holds the connections that db/redis/connections.ts opens',
  'runner → ioredis': 'context.ts holds the connections that db/redis/connections.ts opens',
}

/** Build programs inside the folder that they build. They run in Node. */
export const buildPrograms: Record<string, { packages: readonly string[]; reason: string }> = {
  'web/build/build-page.ts': { packages: ['esbuild'], reason: 'builds the page' },
  'web/build/render-docs.ts': {
    packages: ['marked'],
    reason: 'renders the documents that the server serves',
  },
  'web/build/typed-templates.ts': {
    packages: ['ts-morph', 'htm'],
    reason: 'checks the templates of the page',
  },
  'web/build/check-templates.ts': { packages: ['ts-morph'], reason: 'checks the templates of the page' },
  'octo/build/bundle.ts': { packages: ['esbuild'], reason: 'bundles octo' },
}

/** Files outside infra and test that may start other programs. */
export const mayUseChildProcess: Record<string, string> = {
  'lib/node/end-process-tree.ts': 'kills what a killed program leaves behind',
  'lib/node/process-identity.ts': 'asks ps for the start time of a process',
  'lib/node/spawn-program.ts': 'starts programs for infra, the tests and the bench',
  'runner/process/process.ts': 'starts control scripts',
  'runner/process/watchdog.ts': 'starts the watchdog, which ends the scripts of a killed runner',
  'octo/build/executable.ts': 'runs the Bun compiler',
  'octo/cli/open-browser.ts': 'octo open starts the browser',
}
