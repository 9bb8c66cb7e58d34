/**
 * Whether a host name of a URL means this machine. Plain http is safe there, so sign-in allows it. The names of
 * `URL.hostname`: lower case, addresses of IPv6 in brackets.
 */
export const isLoopbackHost = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)

export const isLoopbackUrl = (url: string): boolean => isLoopbackHost(URL.parse(url)?.hostname ?? '')
