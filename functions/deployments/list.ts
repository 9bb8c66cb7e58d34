import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const listDeployments: EndpointHandler<'listDeployments'> = async ({ listCache }, { header }) => {
  const { bytes, etag } = await listCache.current()
  const headers = { ETag: etag, 'Cache-Control': 'private, no-cache' }
  const known = header('if-none-match')
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag) || known?.includes('*')) return new Response(null, { status: 304, headers })
  return new Response(bytes, { headers: { ...headers, 'Content-Type': 'application/json' } })
}
