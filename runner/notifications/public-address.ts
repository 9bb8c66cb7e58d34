/** Connects to public addresses only: what an address stands for is decided when the connection is made, after the name was looked up. */
import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import type { Webhook } from '../../domain/notifications/webhook-policy.ts'

export class NotPublicAddress extends Error {
  override name = 'NotPublicAddress'
}

/** The only IPv6 addresses that are assigned to hosts of the internet. */
const globalIpv6 = ipaddr.IPv6.parseCIDR('2000::/3')

/** Addresses of IPv4 within IPv6 count as what they stand for. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return parsed.range() === 'unicast' && (parsed instanceof ipaddr.IPv4 || parsed.match(globalIpv6))
}

const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    if (error !== null) return callback(error, '', 0)
    const addresses = found.filter(({ address }) => isPublicAddress(address))
    const [first] = addresses
    if (first === undefined) return callback(new NotPublicAddress(), '', 0)
    if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

const timeouts = { headersTimeout: 10_000, bodyTimeout: 10_000, keepAliveTimeout: 1000 }
const connectTimeoutMs = 5000
const connectPublic = buildConnector({ lookup: lookupPublic, timeout: connectTimeoutMs })

const publicAgent = new Agent({
  ...timeouts,
  connect: (options, callback) => {
    // An address in a URL is not looked up.
    const host = options.hostname.replace(/^\[|\]$/g, '')
    if (ipaddr.isValid(host) && !isPublicAddress(host)) callback(new NotPublicAddress(), null)
    else connectPublic(options, callback)
  },
})
const anyAgent = new Agent({ ...timeouts, connect: { timeout: connectTimeoutMs } })

export const dispatcherFor = ({ private_addresses }: Pick<Webhook, 'private_addresses'>): Dispatcher =>
  private_addresses ? anyAgent : publicAgent
