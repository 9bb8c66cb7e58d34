/**
 * The tasks of the load generator with their inputs and results: both sides of the channel between the bench
 * and its process.
 */
export type HttpRequest = {
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
}

export type Tasks = {
  /** Each lane sends one request after the other for `ms`, and takes `requests` in turn. */
  requestRate: {
    in: { origin: string; requests: HttpRequest[]; expect: number; lanes: number; ms: number }
    out: { perSecond: number; bytes: number }
  }
  /** Sends each request once, one after the other. */
  sequentialRequests: {
    in: { origin: string; requests: HttpRequest[]; expect: number }
    out: { latenciesMs: number[] }
  }
  /** Changes the database before each request; only the request is measured. */
  requestsAfterChange: {
    in: { origin: string; request: HttpRequest; databaseUrl: string; change: string; count: number }
    out: { latenciesMs: number[]; bytes: number }
  }
  /** Sends each request once; the next follows when the action has ended. Times count from sending. */
  actionLatency: {
    in: { origin: string; events: string; requests: HttpRequest[]; fifo: string | null }
    out: { acceptedMs: number[]; firstInstructionMs: number[]; endedMs: number[] }
  }
  /** Starts actions for `ms`: each lane waits for the end of its action, then takes the next deployment. */
  actionThroughput: {
    in: { origin: string; events: string; requests: HttpRequest[]; lanes: number; ms: number }
    out: { perSecond: number }
  }
  /** Opens websockets and keeps them. They take the sets of `headers` in turn. */
  connect: {
    in: { events: string; clients: number; headers?: Record<string, string>[] }
    out: { clients: number }
  }
  /** Publishes `message` `count` times; measures the time until the last websocket has each. */
  broadcast: {
    in: { redisUrl: string; channel: string; message: string; count: number }
    out: { lastMs: number[] }
  }
  /** Sends requests one by one; measures the time until the first event of each arrives at a websocket. */
  firstEvent: {
    in: { origin: string; events: string; requests: HttpRequest[] }
    out: { latenciesMs: number[]; messages: number }
  }
  /** Many clients without a valid credential send large bodies, each the next after its answer, for `ms`. */
  strangers: {
    in: { origin: string; clients: number; addresses: string[]; ms: number }
    /** How many answers had this status, or how many requests ended with this error. */
    out: { answers: Record<string, number> }
  }
  disconnect: { in: Record<never, never>; out: { clients: number } }
}

export type TaskName = keyof Tasks
export type TaskRequest = { name: TaskName; input: unknown }
