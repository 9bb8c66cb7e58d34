/** A fake runner/main.ts. It is ready at once, and ignores SIGTERM if IGNORES_TERM is set. */
console.log('{"msg":"runner ready"}')
setInterval(() => {}, 1000)
process.on('SIGTERM', () => {
  console.log('term')
  if (!process.env.IGNORES_TERM) process.exit(0)
})
