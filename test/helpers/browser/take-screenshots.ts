/**
 * `npx node test/helpers/browser/take-screenshots.ts`: takes the pictures of docs/guide.md from a running system, so
 * that they match the page.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Browser, Page } from 'playwright-core'
import { exitOnHelp } from '../../../lib/node/help.ts'
import { createApiClient, overrides } from '../api-client.ts'
import { type SignedInSystem, startSignedInSystem } from '../oidc/signed-in-system.ts'
import { globalSetup, globalTeardown } from '../setup.ts'
import { type System, startSystem } from '../system.ts'
import { signInAsAdmin } from './browser-session.ts'
import { buildPage, openBrowser } from './chromium.ts'
import { createDemoData, writeDemoScripts } from './demo-data.ts'
import { takeManyAtOnce } from './many-at-once-pictures.ts'

exitOnHelp(`npx node test/helpers/browser/take-screenshots.ts

Takes the pictures of docs/pictures from a running system.
PICTURES=FOLDER writes elsewhere. VARIANTS="dark-1440 light-390" sets colour scheme and width.`)

const folder = process.env.PICTURES ?? fileURLToPath(new URL('../../../docs/pictures', import.meta.url))
const variants = (process.env.VARIANTS ?? 'light-1440').split(' ')

buildPage()
await mkdir(folder, { recursive: true })
await globalSetup()
const scripts = await mkdtemp(join(tmpdir(), 'octopod-demo-'))
await writeDemoScripts(scripts)
let system: System | undefined
let browser: Browser | undefined
try {
  const env = { PROJECT_NAME: 'Acme Shop', CHECK_INTERVAL: '2' }
  ;[system, browser] = await Promise.all([startSystem({ scripts, env }), openBrowser()])
  await takeFirstSteps(browser, system.url)
  await createDemoData(system, scripts)
  for (const variant of variants) await takeAll(browser, system, variant)
  await takePeople(browser)
} finally {
  await browser?.close()
  await writeFile(join(scripts, 'go'), '')
  await system?.stop()
  await globalTeardown()
  await rm(scripts, { recursive: true, force: true })
}

async function takeAll(browser: Browser, { url, adminHeader }: System, variant: string): Promise<void> {
  const [scheme = 'light', width = '1440'] = variant.split('-')
  const context = await browser.newContext({
    colorScheme: scheme === 'dark' ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
    viewport: { width: Number(width), height: Number(width) < 600 ? 780 : 860 },
  })
  const page = await context.newPage()
  const isDefaultVariant = variant === 'light-1440'
  const take = async (name: string, whole = false) => {
    await page.mouse.move(0, 0)
    await page.evaluate(() => document.fonts.ready)
    const path = join(folder, isDefaultVariant ? `${name}.png` : `${name}-${variant}.png`)
    await page.screenshot({ path, fullPage: whole, animations: 'disabled' })
  }
  try {
    await page.goto(url)
    await page.getByText('search-speed').first().waitFor()
    await take('deployment-list')
    if (isDefaultVariant) await takePhone(browser, url)
    await page.getByLabel('Search names and config').fill('feature on')
    await page.locator('mark').first().waitFor()
    await take('search')
    await takeManyAtOnce(page, url, take)
    await takeForms(page, url, take)
    await page.goto(`${url}/deployments/release-2-4`)
    await page.getByText('load test').first().waitFor()
    await page.getByText('image.tag').first().waitFor()
    await take('deployment-page', true)
    await page.getByRole('button', { name: 'Archive' }).click()
    await page.getByRole('dialog').waitFor()
    await take('archive-confirmation')
    await page.keyboard.press('Escape')
    await page
      .locator('.action')
      .last()
      .getByRole('button', { name: /^More for/ })
      .click()
    await page.getByRole('menuitem', { name: 'Roll back to this config…' }).click()
    await page.locator('dialog .config-diff').waitFor()
    await take('roll-back')
    await page.keyboard.press('Escape')
    await page.goto(`${url}/deployments/payments-fix`)
    await page.getByText('Health check failed: 503').waitFor()
    await page.locator('.action').first().waitFor()
    await take('failed-deployment')
    await signInAsAdmin(page, adminHeader)
    await takeConflict(page, url, take)
    await page.goto(`${url}/deployments/search-speed`)
    await page.locator('.log-lines').getByText('Starting 2 replicas').waitFor()
    await take('running-action')
    await page.getByLabel('Search in the output').fill('layer')
    await page.locator('.log-viewer mark').first().waitFor()
    await take('output-search')
    await page.getByRole('button', { name: 'Full screen' }).click()
    await page.locator('[data-number="4"]').click()
    await page.locator('[data-number="6"]').click({ modifiers: ['Shift'] })
    await page.getByRole('button', { name: 'More for this output' }).click()
    await take('output-lines')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Leave full screen' }).click()
    await page.locator('h1').click()
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await take('keyboard-shortcuts')
  } finally {
    await context.close()
  }
}

/** The pictures with people who sign in. */
async function takePeople(browser: Browser): Promise<void> {
  const all = await startSignedInSystem({ PROJECT_NAME: 'Acme Shop', OIDC_NAME: 'Keycloak' })
  const { origin, provider } = all
  const context = await browser.newContext({
    reducedMotion: 'reduce',
    locale: 'en-GB',
    viewport: { width: 1440, height: 640 },
  })
  try {
    provider.accounts.set('dev1', { name: 'Maria Berg', email: 'maria@acme.example', groups: ['shop'] })
    provider.accounts.set('dev2', { name: 'Jonas Falk', email: 'jonas@acme.example', groups: ['shop'] })
    const [maria, jonas] = [await all.signIn('dev1'), await all.signIn('dev2')]
    await maria.create('shop-checkout')
    await jonas.create('shop-search')
    const page = await context.newPage()
    const take = (name: string) =>
      page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
    await page.goto(origin)
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).waitFor()
    await take('sign-in')
    await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
    await page.locator('[name=subject]').fill('dev1')
    await page.locator('[name=continue]').click()
    await page.locator('tr', { hasText: 'Jonas' }).locator('.status-label', { hasText: 'Running' }).waitFor()
    await page.locator('.account').click()
    // The address of the provider for tests differs each time.
    await page
      .locator('.identity-facts code', { hasText: provider.issuer })
      .evaluate((code) => code.replaceChildren('https://id.acme.example/realms/acme'))
    await take('account')
    await takeTokens(all, page, take)
    await page.goto(`${origin}/deployments/shop-search`)
    await page.locator('.action').first().waitFor()
    await page.getByRole('button', { name: 'More actions for shop-search' }).click()
    await take('owner')
    await takeAuditLog(all, page, take)
  } finally {
    await context.close()
    await all.stop()
  }
}

async function takeTokens(
  { origin, signIn, browser }: SignedInSystem,
  page: Page,
  take: (name: string) => Promise<unknown>,
): Promise<void> {
  const maria = await signIn('dev1')
  for (const token of [
    { label: 'nightly load test', expires_in_days: 90 },
    { label: 'previews of pull requests', expires_in_days: 5, names: ['shop-pr-*'] },
    { label: 'deployer', expires_in_days: 180, service: { name: 'deployer', owner_group: 'shop' } },
  ])
    await maria.api('POST', '/tokens', token)
  await page.goto(`${origin}/tokens`)
  await page.getByText('nightly load test').waitFor()
  await take('access-tokens')
  const body = { client_name: 'octo of maria on laptop' }
  const { user_code } = (await browser().request('POST', '/auth/device', body)).body as { user_code: string }
  await page.goto(`${origin}/device?user_code=${user_code}`)
  await page.getByRole('button', { name: 'Approve' }).waitFor()
  await page.locator('p.user-code').evaluate((code) => code.replaceChildren('WKVT-SFDG'))
  await take('program-login')
}

/** Changes, a refusal and a deployment that is gone, at different times. */
async function takeAuditLog(
  { origin, system, signIn }: SignedInSystem,
  page: Page,
  take: (name: string) => Promise<unknown>,
): Promise<void> {
  const [maria, jonas, ada] = [await signIn('dev1'), await signIn('dev2'), await signIn('ada')]
  const client = createApiClient(origin)
  for (const app of [
    { 'image.tag': 'v1', replicas: '2' },
    { 'image.tag': 'v2', replicas: '4', 'db.password': 'one' },
    { 'image.tag': 'v2', replicas: '4', 'db.password': 'two' },
  ]) {
    await client.waitForStatus('shop-search', 'Running')
    await jonas.api('PUT', '/deployments/shop-search', {
      app_overrides: overrides(app),
      deployment_overrides: [],
    })
  }
  await ada.create('demo-friday')
  await client.waitForStatus('demo-friday', 'Running')
  await ada.api('DELETE', '/deployments/demo-friday/delete')
  await maria.api('DELETE', '/deployments/shop-search')
  await backdateAuditLog(system.databaseUrl)
  await page.context().clearCookies()
  await page.goto(`${origin}/audit`)
  await page.getByRole('link', { name: 'Sign in with Keycloak' }).click()
  await page.locator('[name=logout], [name=subject], .audit').first().waitFor()
  if ((await page.locator('[name=subject]').count()) > 0) {
    await page.locator('[name=subject]').fill('ada')
    await page.locator('[name=continue]').click()
  }
  const update = page.locator('.audit li', { hasText: 'image.tag v1 to v2' })
  await update.locator('summary').click()
  await update.locator('dd').first().waitFor()
  // The address of the provider for tests differs each time.
  await update
    .locator('dd', { hasText: /^http:/ })
    .evaluate((issuer) => issuer.replaceChildren('https://id.acme.example/realms/acme'))
  await page.setViewportSize({ width: 1440, height: 960 })
  await take('audit-log')
}

/** Moves the entries into the past, so that the picture looks realistic. */
async function backdateAuditLog(databaseUrl: string): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl })
  await database.connect()
  try {
    await database.query(`set session_replication_role = replica`)
    await database.query(`
      update audit_entries set at = at - (select max(id) from audit_entries) * interval '23 minutes' + id * interval '23 minutes'`)
  } finally {
    await database.end()
  }
}

/** Someone else saves while the form is open. */
async function takeConflict(page: Page, url: string, take: (name: string) => Promise<void>): Promise<void> {
  await page.goto(`${url}/deployments/dark-mode`)
  await page.getByRole('button', { name: 'Edit config' }).click()
  await page.getByLabel('log.level', { exact: true }).fill('debug')
  const client = createApiClient(url)
  await client.update('dark-mode', { 'image.tag': 'dark-8', 'feature.dark-mode': 'on' })
  await client.waitForStatus('dark-mode', 'Running')
  await page.getByText('Someone else changed').waitFor()
  await page.getByRole('button', { name: 'Save and update' }).focus()
  await take('concurrent-edit')
  await client.update('dark-mode', { 'image.tag': 'dark-7', 'feature.dark-mode': 'on' })
  await client.waitForStatus('dark-mode', 'Running')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Discard changes' }).click()
}

async function takeForms(page: Page, url: string, take: (name: string) => Promise<void>): Promise<void> {
  await page.goto(url)
  await page.getByRole('button', { name: 'New deployment' }).click()
  await page.getByLabel('image.tag', { exact: true }).waitFor()
  await page.getByLabel('Name', { exact: true }).fill('wish-list')
  await page.getByLabel('image.tag', { exact: true }).fill('v9')
  await page.getByLabel('New key, application config').fill('feature.wishlist')
  await page.getByLabel('New value, application config').fill('on')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Remove the default of payments.currency' }).click()
  await page.getByLabel('Name', { exact: true }).focus()
  await take('new-deployment')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByText('There is no image').waitFor()
  await take('config-check-failed')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Discard changes' }).click()
}

/** Of an installation without deployments. Its address differs each time. */
async function takeFirstSteps(browser: Browser, url: string): Promise<void> {
  const page = await browser.newPage({ reducedMotion: 'reduce', viewport: { width: 1440, height: 720 } })
  await page.goto(url)
  const commands = 'octo login --url https://octopod.acme.example\nocto create sample --wait'
  await page.locator('.commands pre').evaluate((pre, text) => pre.replaceChildren(text), commands)
  await page.screenshot({ path: join(folder, 'first-steps.png'), animations: 'disabled' })
  await page.close()
}

async function takePhone(browser: Browser, url: string): Promise<void> {
  const viewport = { width: 360, height: 720 }
  const page = await browser.newPage({ reducedMotion: 'reduce', locale: 'en-GB', viewport })
  await page.goto(url)
  await page.getByText('search-speed').first().waitFor()
  await page.screenshot({ path: join(folder, 'phone.png'), animations: 'disabled' })
  await page.close()
}
