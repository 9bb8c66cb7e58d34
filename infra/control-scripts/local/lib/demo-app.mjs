/**
 * The app that is deployed: `node app.mjs FOLDER INDEX PORT ID`. Shows its name, its config and a counter of visits
 * kept in FOLDER/data; /identity says who answers. Ends on TERM, and by itself when its place was given to another.
 */
import { appendFileSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { page } from './demo-page.mjs'
import { readRun, writeRun } from './replica.mjs'

const [folder, index, port, id] = process.argv.slice(2)
const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
const tag = new Map(config.application).get('image.tag')
const visitsFile = join(folder, 'data', 'visits')
const bornAt = Date.now()
const ownPlaceMs = 2_000

if (tag === 'crash') {
  console.error('This release crashes: the tag asks for it.')
  process.exit(1)
}

const server = createServer((request, response) => {
  // Whoever kept a connection open over an update would ask an app that is gone.
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
    response.end(page({ ...config, tag, visits, replica: index, upSeconds: (Date.now() - bornAt) / 1000 }))
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' })
    response.end('There is only one page here.\n')
  }
})

server.on('error', (error) => {
  const taken = error.code === 'EADDRINUSE'
  console.error(
    taken
      ? `Port ${port} was taken by another program meanwhile: an update gets another one.`
      : error.message,
  )
  process.exit(1)
})
server.listen(Number(port), '127.0.0.1', () => {
  writeRun(folder, index, { pid: process.pid, id, port: server.address().port })
})

/** One byte a visit: appending is atomic, so replicas can share the file and a crash loses nothing. */
function countVisit() {
  appendFileSync(visitsFile, '.')
  return statSync(visitsFile).size
}

const isMine = () => readRun(folder, index)?.id === id
setInterval(() => {
  if (!isMine()) process.exit(0)
}, ownPlaceMs)
process.on('SIGTERM', () => {
  if (isMine()) rmSync(join(folder, 'run', `${index}.json`), { force: true })
  process.exit(0)
})
