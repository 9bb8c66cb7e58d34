/** Stand-in for runner/main.ts: ready at once; IGNORES_TERM makes it stay. */
console.log('{"msg":"runner ready"}')
setInterval(() => {}, 1000)
process.on('SIGTERM', () => {
  console.log('term')
  if (!process.env.IGNORES_TERM) process.exit(0)
})
