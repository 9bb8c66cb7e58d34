/** The part of the endpoint table about the audit log. Part of api-schema.ts. */
import { type Endpoint, endpoints } from '../endpoints.ts'
import * as shapes from './audit-schemas.ts'

export const auditEndpoints = {
  listAuditEntries: {
    ...endpoints.listAuditEntries,
    right: 'read',
    since: '2.0',
    summary: 'The audit log, newest first: entries of deployments that the caller sees, and its own',
    query: shapes.auditQuery,
    response: shapes.auditPage,
    errors: ['bad_request'],
  },
  streamAuditEntries: {
    ...endpoints.streamAuditEntries,
    right: 'read',
    since: '2.0',
    summary: 'New entries of the audit log as they come, one JSON object a line',
    query: shapes.streamQuery,
    response: 'lines',
    errors: ['bad_request'],
  },
  verifyAuditLog: {
    ...endpoints.verifyAuditLog,
    right: 'read_access_log',
    since: '2.0',
    summary: 'Verify the chain of seals of the audit log, in pages',
    query: shapes.verifyQuery,
    response: shapes.auditVerification,
    errors: ['bad_request'],
  },
} as const satisfies Record<string, Endpoint>
