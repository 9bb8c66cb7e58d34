/** Creates a curl command for an operation, ready to paste into a POSIX shell. Used by docs-page.ts. */
import type { Operation } from './operation.ts'

export function curlExample(path: string, method: string, operation: Operation): string {
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(operation.parameters.find((parameter) => parameter.name === name)?.example ?? name),
  )
  const body = operation.requestBody?.content['application/json']?.example
  const isStream = Object.values(operation.responses).some(
    (response) => 'text/event-stream' in (response.content ?? {}),
  )
  const signed = operation.security.length > 0
  const flags = [isStream ? ' -N' : '', method === 'get' ? '' : ` -X ${method.toUpperCase()}`].join('')
  return [
    `curl${flags} "$OCTOPOD_URL${url}"`,
    ...(signed ? ['-H "Authorization: $OCTO_AUTHORIZATION_HEADER"'] : []),
    ...(body === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d ${shellQuote(JSON.stringify(body))}`]),
  ].join(' \\\n  ')
}

const shellQuote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
