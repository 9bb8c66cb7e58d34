/**
 * The application as an AWS Lambda handler (API Gateway v2, function URLs), without the websocket. An output stream
 * sends the output so far and ends; the client connects again for more.
 */
import { handle, type LambdaEvent } from 'hono/aws-lambda'
import { pino } from 'pino'
import { readSettings } from '../domain/settings/read-settings.ts'
import { serializers } from '../lib/serialize-error.ts'
import { createApp } from './app.ts'
import { createServices } from './create-services.ts'

const settings = readSettings('server', process.env)
const log = pino({ level: settings.LOG_LEVEL, serializers })
const { services, close } = await createServices(settings, log, {
  supportsStreaming: false,
  isShuttingDown: () => false,
  shutdownSignal: new AbortController().signal,
  timeoutMs: 5000,
})

const handleEvent = handle(createApp(services))

export const handler = (event: LambdaEvent, context?: Parameters<typeof handleEvent>[1]) =>
  handleEvent(withoutStage(event), context)

/** API Gateway puts a named stage before the path (payload 2.0). The routes do not contain it. */
function withoutStage(event: LambdaEvent): LambdaEvent {
  if (!('rawPath' in event) || !('stage' in event.requestContext)) return event
  const prefix = `/${event.requestContext.stage}`
  if (event.rawPath !== prefix && !event.rawPath.startsWith(`${prefix}/`)) return event
  return { ...event, rawPath: event.rawPath.slice(prefix.length) || '/' }
}

/** For tests, and for a runtime that announces its end. */
export const closeHandler = close
