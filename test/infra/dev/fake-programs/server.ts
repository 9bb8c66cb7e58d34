/** A fake functions/server.ts. GET /die ends it, and it fails to start if SERVER_FAILS is set. */
import { createServer } from 'node:http'

if (process.env.SERVER_FAILS) {
  console.error('the server cannot start')
  process.exit(4)
}
if (process.env.SERVER_REFUSES) {
  console.log('{"msg":"starting"}')
  console.error(Array.from({ length: 7 }, (_, line) => `sentence ${line + 1}`).join('\n'))
  process.exit(1)
}
const server = createServer((request, response) => {
  if (request.url === '/die') process.exit(9)
  response.end(JSON.stringify({ pid: process.pid, databaseUrl: process.env.DATABASE_URL }))
})
server.listen(Number(process.env.PORT), process.env.HOST, () => console.log('{"msg":"server ready"}'))
process.on('SIGTERM', () => process.exit(0))
