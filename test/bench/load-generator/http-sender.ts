/** Sends requests over kept connections and discards the bodies, with as little work as undici allows. */
import { Pool } from 'undici'
import type { HttpRequest } from './tasks.ts'

export type Sender = {
  /** Resolves when the whole response has arrived. Rejects when its status is not `expect`. */
  send(request: HttpRequest, expect: number): Promise<{ bytes: number }>
  close(): Promise<void>
}

export function openSender(origin: string, lanes: number): Sender {
  const pool = new Pool(origin, { connections: lanes, pipelining: 1 })
  return {
    send: ({ method, path, headers, body }, expect) =>
      new Promise((resolve, reject) => {
        let bytes = 0
        let status = 0
        let errorBody = ''
        pool.dispatch(
          { method, path, headers: headers ?? {}, ...(body === undefined ? {} : { body }) },
          {
            onRequestStart: () => {},
            onResponseStart: (_, code) => {
              status = code
            },
            onResponseData: (_, chunk) => {
              bytes += chunk.length
              if (status !== expect) errorBody += chunk.toString()
            },
            onResponseEnd: () => {
              if (status === expect) resolve({ bytes })
              else reject(new Error(`${method} ${path}: ${status} ${errorBody.slice(0, 300)}`))
            },
            onResponseError: (_, error) => reject(error),
          },
        )
      }),
    close: () => pool.close(),
  }
}
