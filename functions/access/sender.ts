/**
 * Where a request comes from, and which host it asks for. X-Forwarded-For, -Host and -Proto count only from
 * TRUSTED_PROXIES, because everyone can send them. Used by the middlewares of access/ and by the websocket.
 */

import type { Context } from 'hono'
import ipaddr from 'ipaddr.js'
import type { ServerSettings } from '../../domain/settings.ts'
import type { RequestHeaders } from '../auth/actor.ts'

export type RawRequest = {
  /** The other end of the connection. Undefined where it has none, as over a Unix socket. */
  peerAddress: string | undefined
  headers: RequestHeaders
  /** In how many lines a header was sent: Node joins them. */
  countLines(name: string): number
  /** It came through an API Gateway, which answers only for its own names, and only over TLS. */
  isFromGateway?: boolean
}

export type SenderReader = {
  /** The address of the client, behind all trusted proxies. `unknown` without one. */
  address(request: RawRequest): string
  /** The host that the client asked for, with its port if it is not the default. */
  host(request: RawRequest): string | undefined
  isHttps(request: RawRequest): boolean
  /** Whether the other end of the connection is one of TRUSTED_PROXIES. */
  isFromTrustedProxy(request: RawRequest): boolean
}

type Address = ipaddr.IPv4 | ipaddr.IPv6

export function createSenderReader(settings: Pick<ServerSettings, 'TRUSTED_PROXIES'>): SenderReader {
  const ranges = settings.TRUSTED_PROXIES.map(toRange)
  const isTrusted = (address: Address | null) =>
    address !== null &&
    ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))
  const peerOf = ({ peerAddress }: RawRequest) =>
    peerAddress === undefined ? null : parseAddress(peerAddress)
  /** The value that the nearest proxy has set: the ones before it may come from the client. */
  const forwarded = (request: RawRequest, name: string) =>
    ranges.length > 0 && isTrusted(peerOf(request))
      ? request.headers.get(name)?.split(',').at(-1)?.trim()
      : undefined

  return {
    address: (request) => {
      let address = peerOf(request)
      if (ranges.length > 0) {
        const hops = request.headers.get('x-forwarded-for')?.split(',') ?? []
        while (isTrusted(address)) {
          const next = parseAddress(hops.pop() ?? '')
          if (next === null) break
          address = next
        }
      }
      return address?.toString() ?? 'unknown'
    },
    host: (request) => forwarded(request, 'x-forwarded-host') || (request.headers.get('host') ?? undefined),
    isHttps: (request) => forwarded(request, 'x-forwarded-proto')?.toLowerCase() === 'https',
    isFromTrustedProxy: (request) => isTrusted(peerOf(request)),
  }
}

function toRange(text: string): [Address, number] {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** Also with a port, as some proxies write it. An IPv4 address in an IPv6 one becomes the IPv4 address. */
function parseAddress(text: string): Address | null {
  const bare = text
    .trim()
    .replace(/^\[(.*)\](?::\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : null
}

/** On AWS Lambda the event names the client and the domain of the API Gateway. */
type Bindings = {
  incoming?: { socket: { remoteAddress?: string }; rawHeaders: string[] }
  event?: {
    requestContext?: { http?: { sourceIp?: string }; identity?: { sourceIp?: string }; domainName?: string }
  }
}

export function rawRequestOf(context: Context): RawRequest {
  const { incoming, event } = (context.env ?? {}) as Bindings
  const { http, identity, domainName } = event?.requestContext ?? {}
  return {
    peerAddress:
      incoming === undefined ? (http?.sourceIp ?? identity?.sourceIp) : incoming.socket.remoteAddress,
    headers: { get: (name) => context.req.header(name) },
    countLines: (name) =>
      incoming === undefined
        ? Number(context.req.header(name) !== undefined)
        : countLines(incoming.rawHeaders, name),
    isFromGateway: domainName !== undefined,
  }
}

/** `rawHeaders`: names and values in turn, as Node gives them. */
export const countLines = (rawHeaders: readonly string[], name: string): number =>
  rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === name.toLowerCase()).length
