/**
 * Loaded by `node --import` before server, runner, migrate and octo: takes the settings of the system that `npm start`
 * runs from OCTOPOD_HOME/environment. Variables that are set already win.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const file = join(process.env.OCTOPOD_HOME || '.octopod', 'environment')
if (existsSync(file)) process.loadEnvFile(file)
