/** What the load generator can be asked, and what it answers: both sides of the channel between main and its process. */

export type HttpRequest = {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
}

export type Tasks = {
  /** Requests one after the other in each lane, for `ms`; `requests` are taken in turn. */
  requestRate: {
    in: { origin: string; requests: HttpRequest[]; expect: number; lanes: number; ms: number }
    out: { perSecond: number; bytes: number }
  }
  /** Each request once, one after the other. */
  sequentialRequests: {
    in: { origin: string; requests: HttpRequest[]; expect: number }
    out: { latenciesMs: number[] }
  }
  /** A change in the database before each request; only the request is timed. */
  requestsAfterChange: {
    in: { origin: string; request: HttpRequest; databaseUrl: string; change: string; count: number }
    out: { latenciesMs: number[]; bytes: number }
  }
  /** Each request once; the next when the action of the last has ended. Times from sending on. */
  actionLatency: {
    in: { origin: string; events: string; requests: HttpRequest[]; fifo: string | null }
    out: { acceptedMs: number[]; firstInstructionMs: number[]; endedMs: number[] }
  }
  /** Actions for `ms`: every lane waits for the end of its action, then takes the next deployment. */
  actionThroughput: {
    in: { origin: string; events: string; requests: HttpRequest[]; lanes: number; ms: number }
    out: { perSecond: number }
  }
  /** Opens websockets and keeps them. */
  connect: { in: { events: string; clients: number }; out: { clients: number } }
  /** Publishes `message` so many times; for each, the time until the last websocket has it. */
  broadcast: {
    in: { redisUrl: string; channel: string; message: string; count: number }
    out: { lastMs: number[] }
  }
  /** Requests one by one; for each, the time until its first event arrives at a websocket. */
  firstEvent: {
    in: { origin: string; events: string; requests: HttpRequest[] }
    out: { latenciesMs: number[]; messages: number }
  }
  disconnect: { in: Record<never, never>; out: { clients: number } }
}

export type TaskName = keyof Tasks
export type TaskRequest = { id: number; name: TaskName; given: unknown }
export type TaskResponse = { id: number; result?: unknown; error?: string }
