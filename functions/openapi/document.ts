/** Creates the OpenAPI 3.1 document from the endpoint table of domain/api-schema.ts. Called once by handlers.ts. */
import { api, type EndpointName } from '../../domain/api-schema.ts'
import { defaultNameMaxLength, deploymentNamePattern } from '../../domain/deployment-name.ts'
import { apiPrefix, apiVersion } from '../../domain/endpoints.ts'
import { errorSchemas } from './error-responses.ts'
import { createSchemas } from './json-schemas.ts'
import { nonTablePaths } from './non-table-paths.ts'
import { type Operation, operationOf, tags } from './operation.ts'

export type OpenapiDocument = ReturnType<typeof createOpenapiDocument>

/** `nameMaxLength`: NAME_MAX_LENGTH. `basePath`: the path of APP_URL. */
export function createOpenapiDocument(nameMaxLength: number = defaultNameMaxLength, basePath = '') {
  const schemas = createSchemas()
  schemas.components.Name = {
    ...schemas.components.Name,
    pattern: deploymentNamePattern(nameMaxLength).source,
  }
  const paths: Record<string, Record<string, Operation>> = {}
  for (const name of Object.keys(api) as EndpointName[]) {
    const path = apiPrefix + api[name].path.replace(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][api[name].method.toLowerCase()] = operationOf(name, schemas)
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Octopod', version: '1', summary: 'Staging environments for everyone', description },
    servers: [{ url: basePath || '/' }],
    tags: tags.map((name) => ({ name })),
    paths: { ...paths, ...nonTablePaths },
    components: {
      schemas: { ...schemas.components, ...errorSchemas },
      headers: {
        RequestId: {
          description: 'Id of this request, as in the server log',
          schema: { type: 'string' },
        },
        Version: {
          description: 'Version of this API. Its first number changes when clients must change',
          schema: { type: 'string', const: apiVersion },
        },
        ActionId: { description: 'Id of the accepted action', schema: { type: 'integer' } },
        ETag: { description: 'Version of the list', schema: { type: 'string' } },
        Challenge: { description: 'The scheme of the credential', schema: { type: 'string' } },
        RetryAfter: { description: 'Seconds to wait', schema: { type: 'integer' } },
      },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'octopod-…', description: sessionDescription },
        user: { type: 'apiKey', in: 'header', name: 'Authorization', description: userDescription },
        admin: { type: 'apiKey', in: 'header', name: 'Authorization', description: adminDescription },
      },
    },
  }
}

const description = [
  'A command is answered when it is accepted. Its result is in the status of the deployment and in the action whose id the',
  'answer carries. All bodies are JSON (`Content-Type: application/json`), all times ISO 8601 in UTC. Unknown fields of a',
  'request are rejected; answers may get new fields. An error has a message for people and a `code` for programs. Unknown',
  'paths answer 404 `not_found`, other methods 405 `method_not_allowed`.',
].join('\n')

const sessionDescription =
  'The cookie that /auth/callback and /auth/session set. Its name depends on the address of the installation.'
const userDescription = 'The exact value of APP_AUTHORIZATION_HEADER. It gives USER_ROLE.'
const adminDescription = 'The exact value of POWER_AUTHORIZATION_HEADER. It gives the role admin.'
