/**
 * The settings that `npm start` gives to its programs and writes to OCTOPOD_HOME/environment. Called by start-all.ts.
 */
import { delimiter, dirname, join } from 'node:path'
import { isLoopbackUrl } from '../../lib/loopback-host.ts'
import type { DataDir } from './data-dir.ts'
import type { ListenAddress } from './listen-address.ts'
import { persistedSecret } from './persisted-secret.ts'

type Environment = NodeJS.ProcessEnv

/** Settings that must be the same for all programs of this installation. The user's environment overrides them. */
export function sharedSettings(
  dataDir: DataDir,
  userEnvironment: Environment,
  addresses: { databaseUrl: string; redisUrl: string; server: ListenAddress },
): Record<string, string> {
  const header =
    userEnvironment.POWER_AUTHORIZATION_HEADER || persistedSecret(dataDir.file('authorization'), 'Bearer ')
  return {
    DATABASE_URL: addresses.databaseUrl,
    REDIS_URL: addresses.redisUrl,
    POWER_AUTHORIZATION_HEADER: header,
    CONTROL_SCRIPTS_DIR:
      userEnvironment.CONTROL_SCRIPTS_DIR || join(import.meta.dirname, '../control-scripts/local'),
    // The sample app starts within seconds, so a release that answers with errors need not wait for the default of ten minutes.
    ...(userEnvironment.CONTROL_SCRIPTS_DIR || userEnvironment.STATUS_UPDATE_TIMEOUT
      ? {}
      : { STATUS_UPDATE_TIMEOUT: '60' }),
    PROJECT_NAME: userEnvironment.PROJECT_NAME || 'octopod',
    BASE_DOMAIN: userEnvironment.BASE_DOMAIN || 'localhost',
    NAMESPACE: userEnvironment.NAMESPACE || 'default',
    OCTOPOD_LOCAL_DATA: userEnvironment.OCTOPOD_LOCAL_DATA || dataDir.file('deployments'),
    OCTOPOD_URL: addresses.server.url,
    OCTO_AUTHORIZATION_HEADER: header,
    ...(isOpenToThisMachine(userEnvironment, addresses.server) ? { ANONYMOUS_ROLE: 'developer' } : {}),
    ...Object.fromEntries(
      optionalSettings.flatMap((name) => (userEnvironment[name] ? [[name, userEnvironment[name]]] : [])),
    ),
  }
}

/** They have no default here, and all servers need the same. */
const optionalSettings = [
  'REDIS_PREFIX',
  'APP_URL',
  'ALLOWED_HOSTS',
  'APP_AUTHORIZATION_HEADER',
  'SHARED_CREDENTIALS',
  'ANONYMOUS_ROLE',
  'USER_ROLE',
  'SIGNED_IN_ROLE',
  'OCTOPOD_POLICY',
  'OWNERSHIP',
  'OUTPUT_READERS',
  'ACTOR_HEADER',
  'GROUPS_HEADER',
  'TRUSTED_PROXIES',
  'OIDC_ISSUER',
  'OIDC_CLIENT_ID',
  'OIDC_CLIENT_SECRET',
  'OIDC_CLIENT_SECRET_FILE',
  'OIDC_SCOPES',
  'OIDC_GROUPS_CLAIM',
  'OIDC_ALLOWED_GROUPS',
  'OIDC_NAME',
]

const waysToSignIn = ['ANONYMOUS_ROLE', 'APP_AUTHORIZATION_HEADER', 'OIDC_ISSUER', 'ACTOR_HEADER']

/** Everyone on this machine is a developer, unless the user has said who may do what. */
const isOpenToThisMachine = (userEnvironment: Environment, { host }: ListenAddress) =>
  isLoopbackUrl(`http://${host.includes(':') ? `[${host}]` : host}`) &&
  waysToSignIn.every((name) => !userEnvironment[name])

/**
 * The environment of a program: the user's, the shared settings, and a PATH that starts with this Node, for the
 * scripts.
 */
export function programEnvironment(
  userEnvironment: Environment,
  shared: Record<string, string>,
  address: ListenAddress,
): Environment {
  const path = [dirname(process.execPath), userEnvironment.PATH].filter(Boolean).join(delimiter)
  return { ...userEnvironment, ...shared, PORT: String(address.port), HOST: address.host, PATH: path }
}
