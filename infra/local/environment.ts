/** The settings `npm start` gives to its programs, and to those started beside it through OCTOPOD_HOME/environment. */
import { delimiter, dirname, join } from 'node:path'
import type { Home } from './home.ts'
import type { Page } from './page.ts'
import { keptSecret } from './secret.ts'

type Environment = NodeJS.ProcessEnv

/** What every program of this installation must agree on. What the user set wins. */
export function sharedSettings(
  home: Home,
  user: Environment,
  places: { databaseUrl: string; redisUrl: string; page: Page },
): Record<string, string> {
  const header = user.POWER_AUTHORIZATION_HEADER || keptSecret(home.file('authorization'), 'Bearer ')
  const optional = ['REDIS_PREFIX', 'APP_AUTHORIZATION_HEADER', 'APP_URL']
  return {
    DATABASE_URL: places.databaseUrl,
    REDIS_URL: places.redisUrl,
    POWER_AUTHORIZATION_HEADER: header,
    CONTROL_SCRIPTS_DIR: user.CONTROL_SCRIPTS_DIR || join(import.meta.dirname, '../control-scripts/local'),
    PROJECT_NAME: user.PROJECT_NAME || 'octopod',
    BASE_DOMAIN: user.BASE_DOMAIN || 'localhost',
    NAMESPACE: user.NAMESPACE || 'default',
    OCTOPOD_LOCAL_DATA: user.OCTOPOD_LOCAL_DATA || home.file('deployments'),
    OCTOPOD_URL: places.page.url,
    OCTO_AUTHORIZATION_HEADER: header,
    ...Object.fromEntries(optional.flatMap((name) => (user[name] ? [[name, user[name]]] : []))),
  }
}

/** The environment of a program: the user's, ours, and this Node first on PATH, for the scripts. */
export function programEnvironment(
  user: Environment,
  shared: Record<string, string>,
  page: Page,
): Environment {
  const path = [dirname(process.execPath), user.PATH].filter(Boolean).join(delimiter)
  return { ...user, ...shared, PORT: String(page.port), HOST: page.host, PATH: path }
}
