/** Opens the list in a real browser: that of a system, or one that the test gives, with a websocket that the test controls. */
import type { BrowserContext, Page, WebSocketRoute } from 'playwright-core'
import type { FullInfo } from '../../../domain/schemas.ts'
import { sampleDeployment } from './sample-deployment.ts'

/** The time of a minute, as the server writes it. */
export const minute = (at: number) => new Date(Date.UTC(2026, 0, 1) + at * 60_000).toISOString()

/** d-0, d-1 and so on. Newest first, like the server; the rows differ in height. */
export const manyDeployments = (count: number): FullInfo[] =>
  Array.from({ length: count }, (_, at) =>
    sampleDeployment({
      name: `d-${at}`,
      created: minute(at),
      changed: minute(count - at),
      app: Object.fromEntries(
        Array.from({ length: at % 7 }, (_, key) => [
          `service.part${key}.image`,
          `registry/feature-${at}-${key}`,
        ]),
      ),
    }),
  )

type Options = { width?: number; prepare?: (page: Page) => Promise<unknown> }

export async function openList(
  context: BrowserContext,
  url: string,
  { width = 1440, prepare = async () => {} }: Options = {},
): Promise<Page> {
  const page = await context.newPage()
  await page.setViewportSize({ width, height: 900 })
  page.setDefaultTimeout(10_000)
  await prepare(page)
  await page.goto(url)
  await page.locator('tr[data-name]').first().waitFor()
  return page
}

export type ControlledList = {
  page: Page
  /** A change of a deployment, as of somebody else. */
  sendEvent(deployment: FullInfo): void
  sendDeletion(name: string): void
  sockets: WebSocketRoute[]
}

export async function openControlledList(
  context: BrowserContext,
  url: string,
  list: readonly FullInfo[],
  { width, prepare = async () => {} }: Options = {},
): Promise<ControlledList> {
  const sockets: WebSocketRoute[] = []
  const route = async (page: Page) => {
    await prepare(page)
    await page.routeWebSocket('**/event', (socket) => {
      sockets.push(socket)
      socket.send(JSON.stringify({ type: 'hello', seq: 0, heartbeat_ms: 15_000 }))
    })
    await page.route('**/api/v1/deployments', (route) => route.fulfill({ json: list }))
  }
  const page = await openList(context, url, { ...(width !== undefined && { width }), prepare: route })
  await page.locator('.badge', { hasText: 'Live' }).waitFor()
  let seq = 0
  const send = (event: object) => {
    seq += 1
    sockets.at(-1)?.send(JSON.stringify({ type: 'event', seq, event }))
  }
  return {
    page,
    sockets,
    sendEvent: (deployment) => {
      const { name } = deployment.deployment
      send({ type: 'deployment', name, revision: deployment.revision, deployment })
    },
    sendDeletion: (name) => send({ type: 'deleted', name, revision: 1000 }),
  }
}

export const rowOf = (page: Page, name: string) => page.locator(`tr[data-name="${name}"]`)

/** The names of the drawn rows, in order. */
export const drawnNames = (page: Page): Promise<(string | undefined)[]> =>
  page.locator('tr[data-name]').evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.name))
