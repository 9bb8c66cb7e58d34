/**
 * Types of the API client and of the connection to a server. They lie apart from the code that implements them, so that
 * most of octo does not depend on the HTTP client. Imported throughout octo.
 */
import type * as client from '../../client/call-endpoint.ts'

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

export type CallName = client.CallName
export type RequestOf<Name extends CallName> = client.RequestOf<Name>
export type ResponseOf<Name extends CallName> = client.ResponseOf<Name>
export type RequestOptions = Pick<
  client.RequestOptions,
  'key' | 'reason' | 'revision' | 'whenBusy' | 'fingerprint'
>

export type HttpRequest = Pick<
  client.ApiRequest,
  'method' | 'path' | 'headers' | 'body' | 'signal' | 'timeoutMs'
>

/** `actionId`: id of the action that the request started; null when it started none. */
export type ApiResult<Name extends CallName> = { value: ResponseOf<Name>; actionId: number | null }

export type ApiClient = {
  connection: Connection
  /** In a CI job: gets the credential, or the next one before it ends. Comes before a websocket; requests do it themselves. */
  authorize(): Promise<void>
  /** Sends one request as it is. Throws ApiError without an answer. */
  send(request: HttpRequest): Promise<client.ApiResponse>
  /** For streams. Throws ApiError, which toCliError explains, or a CliError about the credential. */
  http: client.ApiClient
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
