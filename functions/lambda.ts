/**
 * The same app as an AWS Lambda handler (API Gateway v2, function URLs). Everything but the websocket; an output
 * stream answers what there is and the client comes back for more.
 */
import { handle } from 'hono/aws-lambda'
import { pino } from 'pino'
import { readSettings } from '../domain/settings.ts'
import { createApp } from './app.ts'
import { openServices } from './open.ts'

const settings = readSettings('server', process.env)
const log = pino({ level: settings.LOG_LEVEL })
const { services, close } = await openServices(settings, log, {
  mayWait: false,
  stopping: () => false,
  patienceMs: 5000,
})

export const handler = handle(createApp(services))

/** For tests, and for a runtime that tells before it freezes for good. */
export const closeHandler = close
