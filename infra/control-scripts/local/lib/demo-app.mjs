/**
 * The demo app: `node demo-app.mjs FOLDER INDEX PORT ID`. Its page shows the name, the config and a visit counter,
 * which is stored in FOLDER/data. /identity identifies the process. It ends on TERM, or when another process has
 * replaced it. Started by replica.mjs.
 */
import { appendFileSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { renderPage } from './demo-page.mjs'
import { readRun, writeRun } from './replica.mjs'

const [folder, index, port, id] = process.argv.slice(2)
const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
const tag = new Map(config.application).get('image.tag')
const visitsFile = join(folder, 'data', 'visits')
const startedAt = Date.now()
const ownershipCheckMs = 2_000

if (tag === 'crash') {
  console.error('This release crashes on purpose: its tag is "crash".')
  process.exit(1)
}

const server = createServer((request, response) => {
  // A connection that stays open over an update would reach the old process.
  response.shouldKeepAlive = false
  const status = tag === 'broken' ? 500 : 200
  const [path] = request.url.split('?')
  if (path === '/identity') {
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ id, name: config.name, tag, replica: Number(index) }))
  } else if (path === '/') {
    response.writeHead(status, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
      'Cache-Control': 'no-store',
    })
    const visits = request.method === 'GET' ? countVisit() : 0
    console.log(`${new Date().toISOString()} ${request.method} / ${status}`)
    response.end(
      renderPage({ ...config, tag, visits, replica: index, upSeconds: (Date.now() - startedAt) / 1000 }),
    )
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' })
    response.end('Not found.\n')
  }
})

server.on('error', (error) => {
  const isPortTaken = error.code === 'EADDRINUSE'
  console.error(
    isPortTaken
      ? `Port ${port} is now in use by another program: the next update takes another port.`
      : error.message,
  )
  process.exit(1)
})
server.listen(Number(port), '127.0.0.1', () => {
  writeRun(folder, index, { pid: process.pid, id, port: server.address().port })
  console.log(`${new Date().toISOString()} ${tag} listens on port ${server.address().port}`)
})

/** Writes one byte per visit. Appending is atomic, so replicas share the file and a crash loses nothing. */
function countVisit() {
  appendFileSync(visitsFile, '.')
  return statSync(visitsFile).size
}

const ownsRunFile = () => readRun(folder, index)?.id === id
setInterval(() => {
  if (!ownsRunFile()) process.exit(0)
}, ownershipCheckMs)
process.on('SIGTERM', () => {
  if (ownsRunFile()) rmSync(join(folder, 'run', `${index}.json`), { force: true })
  process.exit(0)
})
