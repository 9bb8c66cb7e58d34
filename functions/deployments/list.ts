import type { Answerer } from '../route.ts'

export const listDeployments: Answerer<'listDeployments'> = async ({ list }, { header }) => {
  const { bytes, etag } = await list.current()
  const headers = { ETag: etag, 'Cache-Control': 'private, no-cache' }
  const known = header('if-none-match')
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag) || known?.includes('*')) return new Response(null, { status: 304, headers })
  return new Response(bytes, { headers: { ...headers, 'Content-Type': 'application/json' } })
}
