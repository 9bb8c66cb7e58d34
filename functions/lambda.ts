/**
 * The same app as an AWS Lambda handler (API Gateway v2, function URLs). Everything but the websocket; an output
 * stream answers what there is and the client comes back for more.
 */
import { handle, type LambdaEvent } from 'hono/aws-lambda'
import { pino } from 'pino'
import { serializers } from '../db/tell.ts'
import { readSettings } from '../domain/settings.ts'
import { createApp } from './app.ts'
import { openServices } from './open.ts'

const settings = readSettings('server', process.env)
const log = pino({ level: settings.LOG_LEVEL, serializers })
const { services, close } = await openServices(settings, log, {
  mayWait: false,
  leaving: () => false,
  closing: new AbortController().signal,
  patienceMs: 5000,
})

const answer = handle(createApp(services))

export const handler = (event: LambdaEvent, context?: Parameters<typeof answer>[1]) =>
  answer(withoutStage(event), context)

/** API Gateway puts a named stage before the path (payload 2.0); the routes know nothing of it. */
function withoutStage(event: LambdaEvent): LambdaEvent {
  if (!('rawPath' in event) || !('stage' in event.requestContext)) return event
  const prefix = `/${event.requestContext.stage}`
  if (event.rawPath !== prefix && !event.rawPath.startsWith(`${prefix}/`)) return event
  return { ...event, rawPath: event.rawPath.slice(prefix.length) || '/' }
}

/** For tests, and for a runtime that tells before it freezes for good. */
export const closeHandler = close
