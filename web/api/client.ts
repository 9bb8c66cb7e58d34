/**
 * The API client of the page: client/ with the `fetch` of the browser, the credential and a time limit. Created by app-context.ts.
 */
import {
  type ApiClient,
  type ApiRequest,
  type ApiResponse,
  createApiClient,
} from '../../client/call-endpoint.ts'
import { ApiError, errorFromAnswer, toApiError } from '../../client/errors.ts'
import { headers } from '../../domain/endpoints.ts'
import { basePath } from '../base-path.ts'

/** Longer than SCRIPT_QUERY_TIMEOUT (10 s). Endpoints that run config_check have a longer one. */
const defaultTimeoutMs = 20_000

/**
 * `actor`: the display name that the user entered, or ''. `recover` is called with an answer 401 and the refused
 * credential; it returns true when a different one is now available, and the request is then repeated once.
 */
export function createClient(
  authorization: () => string,
  onResponse: (response: Response) => void = () => {},
  actor: () => string = () => '',
  recover: (error: ApiError, refused: string) => Promise<boolean> = async () => false,
): ApiClient {
  return createApiClient({
    send: (request) => sendRequest(request, onResponse),
    identify: () => ({
      [headers.source]: 'page',
      ...(authorization() && { Authorization: authorization() }),
      ...(actor() && { [headers.actor]: encodeURIComponent(actor()) }),
    }),
    // All users of one credential or address share a limit, so that a refusal may be over in a second.
    retries: () => 3,
    mayRetry: (error) => error instanceof ApiError && error.code === 'rate_limited',
    recover: async (error, { headers: sent }) =>
      error.status === 401 && (await recover(error, sent.Authorization ?? '')),
    defaultTimeoutMs,
  })
}

async function sendRequest(
  { method, path, headers, body, signal, timeoutMs }: ApiRequest,
  onResponse: (response: Response) => void,
): Promise<ApiResponse> {
  const signals = [signal, timeoutMs === null ? null : AbortSignal.timeout(timeoutMs)]
  try {
    const init = { method, headers, ...(body !== null && { body }) }
    const response = await fetch(basePath + path, {
      ...init,
      ...fetchOptions,
      signal: AbortSignal.any(signals.filter((one) => !!one)),
    })
    if (response.ok || response.status === 304) onResponse(response)
    const { status, statusText } = response
    return {
      status,
      statusText,
      headers: response.headers,
      text: () => response.text().catch(throwApiError),
      body: readPieces(response),
    }
  } catch (error) {
    return throwApiError(error)
  }
}

/** A redirect comes from a proxy that requires a sign-in. The page cannot follow it. */
const fetchOptions: RequestInit = { cache: 'no-store', redirect: 'manual' }

/** Safari has no asynchronous iterator of a stream. */
async function* readPieces({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader()
  try {
    for (;;) {
      const part = await reader?.read().catch(throwApiError)
      if (part?.value === undefined) return
      yield part.value
    }
  } finally {
    reader?.cancel().catch(() => {})
  }
}

function throwApiError(error: unknown): never {
  throw toApiError(error)
}

/** For what is outside of the table of endpoints. Returns a successful response, otherwise throws ApiError. */
export async function fetchOrThrow(path: string, request: RequestInit): Promise<Response> {
  const response = await fetch(path, { ...request, ...fetchOptions }).catch(throwApiError)
  const isPage = response.headers.get('content-type')?.includes('html')
  if (response.ok && !isPage) return response
  throw await readError(response)
}

/** Creates an error from an unsuccessful or foreign response. Reads the body. */
export const readError = async (response: Response): Promise<ApiError> =>
  errorFromAnswer(response, await response.text().catch(() => ''))
