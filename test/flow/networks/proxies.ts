/** Real proxies in front of a server, with the settings that people have: nginx and haproxy. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { portError } from '../../../lib/node/ports.ts'
import { startProgram } from '../../../lib/node/start-program.ts'
import type { Certificate } from '../../db/configurations/certificates.ts'
import { findProgram } from '../../db/configurations/installed.ts'

export type RunningProxy = { stop(): Promise<void> }

export type NginxServer = {
  /** As `127.0.0.1:8443`. */
  listen: string
  /** With it: TLS and HTTP/2. */
  certificate?: Certificate
  /** The path that the proxy serves, with slashes at both ends. */
  path: string
  /** With a path, as `http://127.0.0.1:8080/`, nginx puts it in place of `path`. */
  target: string
}

/** Without an answer for so long, both proxies give up. The usual time is 60 s; the tests need not wait for that. */
export const idleSeconds = 25

const nginxServer = ({ listen, certificate, path, target }: NginxServer) => `
  server {
    listen ${listen}${certificate === undefined ? '' : ' ssl http2'};
    ${certificate === undefined ? '' : `ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key};`}
    location ${path} {
      proxy_pass ${target};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout ${idleSeconds}s;
      proxy_send_timeout ${idleSeconds}s;
    }
  }`

/** With its defaults it buffers answers. */
export function startNginx(servers: readonly NginxServer[]): Promise<RunningProxy> {
  const ports = servers.map(({ listen }) => Number(listen.split(':').at(-1)))
  return startProxy('nginx', ports, (dir) => [
    ['-p', dir, '-c', join(dir, 'config'), '-e', join(dir, 'errors'), '-g', 'daemon off;'],
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}pid ${join(dir, 'pid')};
worker_processes 1;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(dir, name)};`).join(' ')}
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  ${servers.map(nginxServer).join('')}
}
`,
  ])
}

/** TLS with HTTP/2, also for websockets (RFC 8441). It removes `path`, without its last slash, from requests. */
export async function startHaproxy(options: {
  port: number
  certificateFile: string
  path: string
  targetPort: number
}): Promise<RunningProxy> {
  const { port, certificateFile, path, targetPort } = options
  return startProxy('haproxy', [port], (dir) => [
    ['-db', '-f', join(dir, 'config')],
    `defaults
  mode http
  timeout connect 5s
  timeout client ${idleSeconds}s
  timeout server ${idleSeconds}s
frontend octopod
  bind 127.0.0.1:${port} ssl crt ${certificateFile} alpn h2,http/1.1
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  http-request replace-path ${path}/?(.*) /\\1
  default_backend servers
backend servers
  server one 127.0.0.1:${targetPort}
`,
  ])
}

async function startProxy(
  name: string,
  ports: readonly number[],
  configure: (dir: string) => [args: string[], config: string],
): Promise<RunningProxy> {
  const dir = await mkdtemp(join(tmpdir(), `octopod-${name}-`))
  const [args, config] = configure(dir)
  await writeFile(join(dir, 'config'), config)
  const program = await startProgram({
    name,
    file: findProgram(name) ?? name,
    args,
    env: { LC_ALL: 'C' },
    stopSequence: [{ signal: 'SIGTERM', waitMs: 5000 }],
    onLine: () => {},
    isReady: async () => {
      const errors = await Promise.all(ports.map((port) => portError(port)))
      return errors.every((error) => error === 'EADDRINUSE')
    },
  })
  return {
    stop: async () => {
      await program.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
