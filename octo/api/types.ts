/**
 * Types of the API client and of the connection to a server. They lie apart from the code that implements them, so that
 * most of octo does not depend on the HTTP client. Imported throughout octo.
 */
import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import type { Api, EndpointName } from '../../domain/api-schema.ts'

/** An installation as the contexts file stores it. */
export type Context = {
  name: string
  url: string
  authorization?: string
  /** The credential is the access token of `octo login`. */
  is_login?: boolean
  ca_file?: string
}

/** The person or CI system that sends the requests. */
export type Requester = {
  /** Null when no variable names a person. */
  actor: string | null
  source: 'octo' | 'ci'
  /** Name and address of the CI run; null outside of CI. */
  ciRun: string | null
}

/** Proxies from the environment: one per scheme, and the hosts that need none. */
export type Proxies = { http: string | null; https: string | null; noProxy: string }

/** `token`: as GitLab CI gives it. `file`: as Kubernetes does. `github`: GitHub Actions gives one for each request. */
export type IdTokenSource = { name: string } & (
  | { type: 'token'; token: string }
  | { type: 'file'; path: string }
  | { type: 'github'; url: string; requestToken: string; audience: string }
)

export type Connection = {
  /** Scheme, host and port. */
  origin: string
  /** The path before /api/v1: empty, or `/` and a path without a slash at its end. */
  prefix: string
  /** Origin and prefix, as messages name the server. */
  serverAddress: string
  /** Never part of a message. In a CI job it changes: job/job-credential.ts sets it. */
  authorization: string | null
  /** Whether the credential is the access token of `octo login`. */
  isLogin: boolean
  /** The ID token of a CI job, when there is no credential. */
  idTokenSource: IdTokenSource | null
  /** Why a CI job without a credential has no ID token; null elsewhere. */
  missingIdToken: string | null
  requester: Requester
  proxies: Proxies
  /** Host and port of the proxy for this origin, for messages; null without a proxy. Ignores NO_PROXY. */
  proxyHost: string | null
  /** File with certificates to trust beside the default ones. */
  caFile: string | null
  /** How often a request is sent again after a temporary failure. */
  retries: number
  /** Where the address comes from, for messages: OCTOPOD_URL or a context. */
  urlSource: string
  /** Where the credential comes from or would come from: OCTO_AUTHORIZATION_HEADER or a context. */
  credentialSource: string
}

/** Endpoints with one response; streams of events are excluded. */
export type CallName = {
  [Name in EndpointName]: Api[Name]['response'] extends 'events' | 'lines' ? never : Name
}[EndpointName]

export type TextEndpoint = {
  [Name in CallName]: Api[Name]['response'] extends 'text' ? Name : never
}[CallName]

type ParamOf<Path extends string> = Path extends `${string}:${infer Param}/${infer Rest}`
  ? Param | ParamOf<Rest>
  : Path extends `${string}:${infer Param}`
    ? Param
    : never
type OptionalQuery<Part> = Part extends { query: infer Query extends z.ZodType }
  ? { query?: z.input<Query> }
  : unknown
type RequiredBody<Part> = Part extends { body: infer Body extends z.ZodType }
  ? { body: z.input<Body> }
  : unknown
type Params<Path extends string> = [ParamOf<Path>] extends [never]
  ? unknown
  : { params: Record<ParamOf<Path>, string | number> }

export type RequestOf<Name extends CallName> = Params<Api[Name]['path']> &
  RequiredBody<Api[Name]> &
  OptionalQuery<Api[Name]>
export type ResponseOf<Name extends CallName> = Api[Name]['response'] extends z.ZodType
  ? z.output<Api[Name]['response']>
  : string

export type RequestOptions = {
  /** The Idempotency-Key of a write; a random one by default. */
  key?: string | undefined
  /** Stored with the action. */
  reason?: string | null | undefined
  /** The revision that a write is based on (If-Match). */
  revision?: number | undefined
  /** Identifies the change for the Idempotency-Key, instead of the body. */
  fingerprint?: string | undefined
}

/** `actionId`: id of the action that the request started; null when it started none. */
export type ApiResult<Name extends CallName> = { value: ResponseOf<Name>; actionId: number | null }

export type HttpResponse = {
  status: number
  type: string
  location: string
  requestId: string
  /** From the header of the same name; null without it. */
  actionId: number | null
  /** From Retry-After; 0 without it. */
  retryAfterMs: number
  /** When the access token of the request ends, ISO 8601; empty where the server does not say it. */
  tokenExpires: string
  text: string
}

export type ApiClient = {
  connection: Connection
  dispatcher: Dispatcher
  /** In a CI job: gets the credential, or the next one before it ends. Comes before each request. */
  authorize(): Promise<void>
  /** After a 401: whether there is another credential to try. */
  renewCredential(): Promise<boolean>
  /** Sends a request and returns the body of the response. */
  call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>>
  /** The same with options, and with the id of the action that was started. */
  request<Name extends CallName>(
    name: Name,
    request: RequestOf<Name>,
    options?: RequestOptions,
  ): Promise<ApiResult<Name>>
  /** When the access token ends, as the last response has said; null without one. */
  tokenExpires(): string | null
  close(): Promise<void>
}
