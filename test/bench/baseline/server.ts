/**
 * The baseline of the server: hono, pg, BullMQ and ws without any code of Octopod. It uses the same statements
 * (prepared), the same bytes and the same pool size, and reads the same environment variables.
 */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { serve } from '@hono/node-server'
import { Queue } from 'bullmq'
import { Hono } from 'hono'
import { Redis } from 'ioredis'
import pg from 'pg'
import { WebSocket, WebSocketServer } from 'ws'
import { acceptUpdate } from './accept-update.ts'
import { prepared } from './prepared.ts'

const { DATABASE_URL, REDIS_URL, REDIS_PREFIX, PORT, BASELINE_BYTES_FILE } = process.env as Record<
  string,
  string
>
const pool = new pg.Pool({ connectionString: DATABASE_URL ?? '', max: 10 })
const redis = new Redis(REDIS_URL ?? '', { maxRetriesPerRequest: null })
const queue = new Queue('baseline', { connection: redis, prefix: REDIS_PREFIX ?? 'baseline' })
const once = { removeOnComplete: true, removeOnFail: true }
const json = { 'Content-Type': 'application/json' }
const app = new Hono()

// R1: the same bytes from memory.
const bytes = BASELINE_BYTES_FILE ? new Uint8Array(readFileSync(BASELINE_BYTES_FILE)) : new Uint8Array()
app.get('/memory', () => new Response(bytes, { headers: json }))

// R2: the JSON of the list, built by PostgreSQL for every request.
app.get('/built', async () => {
  const { rows } = await pool.query(
    prepared`select coalesce((select '[' || string_agg(body::text, ',' order by updated_at desc, id desc) || ']' from deployment_details), '[]') as text`,
  )
  return new Response(rows[0].text, { headers: json })
})

// R3: one small row shows that nothing has changed.
app.get('/small', async (context) => {
  const { rows } = await pool.query(prepared`select sum(changes)::bigint as changes from change_counts`)
  return new Response(null, { status: context.req.header('if-none-match') && rows[0] ? 304 : 200 })
})

// R4: one row as JSON, built by PostgreSQL.
app.get('/row/:name', async (context) => {
  const { rows } = await pool.query(
    prepared`select body::text as text from deployment_details where name = ${context.req.param('name')}`,
  )
  return new Response(rows[0].text, { headers: json })
})

// R5: the statements that accept an update, in one transaction, then the queue.
app.put('/update/:name', async (context) => {
  const actionId = await acceptUpdate(pool, context.req.param('name'), await context.req.json())
  await queue.add('action', { actionId }, once)
  return context.json({ tag: 'Success' })
})

// R6 to R8: one row and one job for each action; baseline/runner.ts does the rest.
app.on(['DELETE', 'PUT'], '/pipeline/:scripts/:name', async (context) => {
  const { name, scripts } = context.req.param()
  const { rows } = await pool.query(
    prepared`insert into baseline_actions (deployment, state) values (${name}, 'queued') returning id`,
  )
  await queue.add('action', { actionId: Number(rows[0].id), name, scripts: scripts.split('+') }, once)
  return context.json({ tag: 'Success' })
})

const http = serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1', createServer }, () =>
  console.log('baseline ready'),
) as Server

// R11: every published message goes to every websocket.
const sockets = new WebSocketServer({ server: http, path: '/event' })
const subscriber = new Redis(REDIS_URL ?? '')
subscriber.on('message', (_, text) => {
  const message = Buffer.from(text)
  for (const socket of sockets.clients) {
    if (socket.readyState === WebSocket.OPEN) socket.send(message, { binary: false })
  }
})
await subscriber.subscribe(`${REDIS_PREFIX}:changes`)

process.on('SIGTERM', () => process.exit(0))
