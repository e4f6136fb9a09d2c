/**
 * The console as its users meet it: a real network, a real browser. The main ways through it, by pointer and by keyboard, in both themes and at three
 * widths; no request leaves the hub; axe finds nothing serious. How long things took is told, not judged: the machine is shared.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type TestContext, test } from 'node:test'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { buildConsole } from '../deploy/build-console.ts'
import { eventually, type Network, rfc3339, startNetwork } from './network.ts'

const executablePath = process.env.TRIBUTARY_CHROMIUM ?? '/usr/bin/chromium'
const noBrowser = existsSync(executablePath) ? false : `no browser at ${executablePath} (TRIBUTARY_CHROMIUM names another)`
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const widths = { wide: { width: 1440, height: 900 }, laptop: { width: 1024, height: 768 }, phone: { width: 390, height: 844 } } as const
const aMinuteMs = 60_000

interface Visit {
  readonly page: Page
  readonly offHost: string[]
  readonly errors: string[]
}

async function openBrowser(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({ executablePath, args: flags })
  t.after(() => browser.close())
  return browser
}

async function visit(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: widths.wide, ...options })
  const page = await context.newPage()
  const [offHost, errors]: [string[], string[]] = [[], []]
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol.startsWith('http') && host !== new URL(address).host) offHost.push(request.url())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(message.text())) errors.push(message.text())
  })
  await page.goto(address)
  await page.waitForSelector('.link.is-live')
  return { page, offHost, errors }
}

async function serious(page: Page): Promise<string[]> {
  // Through the debugger, for the page itself allows no inline script.
  await page.evaluate(axe)
  const violations = await page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } }
    ).axe.run()
    return violations.map(({ id, impact, nodes }) => ({ id, impact, html: nodes[0]?.html ?? '' }))
  })
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, html }) => `${id}: ${html}`)
}

/** A SIM that changes its device: one alert, at a cell of the region. */
async function causeAlert(network: Network, imsi: string): Promise<void> {
  const region = network.ready.regions[0]!
  const { items } = (await (await fetch(new URL('/api/cells?limit=1', region.console))).json()) as { items: { cell: string }[] }
  const now = Date.now()
  const seen = (imei: string, ageMs: number) => ({
    event_type: 'registration',
    timestamp: rfc3339(now - ageMs),
    imsi,
    imei,
    cell: items[0]!.cell,
  })
  await network.publish(region.agents[0]!.name, 'subscriber', 'test', [
    seen('356938035643809', 90_000),
    seen('490154203237518', 20_000),
    seen('490154203237518', 1_000),
  ])
}

test('the console: map, alerts with acts and undo, replay, look-up, fences, themes, widths', {
  skip: noBrowser,
  timeout: 600_000,
}, async (t) => {
  await buildConsole()
  const network = await startNetwork(t, { args: ['--agents', '1', '--subscribers', '400', '--rate', '150'] })
  const region = network.ready.regions[0]!
  const browser = await openBrowser(t)

  await t.test('the page lives and asks nobody else', async () => {
    const { page, offHost, errors } = await visit(browser, region.console)
    await page.waitForFunction("document.querySelector('.facts')?.textContent.includes('subscribers')")
    const paints = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
    t.diagnostic(`first paint after ${Math.round(paints ?? Number.NaN)} ms`)
    assert.ok((paints ?? Number.POSITIVE_INFINITY) < 10_000, `first paint after ${paints} ms`)
    assert.deepEqual(await serious(page), [])
    assert.deepEqual([offHost, errors], [[], []])
  })

  await t.test('an alert is acknowledged by keyboard alone, undone, and its words stay', async () => {
    await causeAlert(network, '272015550001234')
    const { page, errors } = await visit(browser, new URL('/?view=alerts', region.console).href)
    await eventually('an alert is listed', async () => assert.ok((await page.locator('[data-row]').count()) > 0), 60_000)
    const before = await page.locator('[data-row]').count()
    await page.keyboard.press('j')
    await page.waitForSelector('.detail [data-triage=acknowledged]')
    await eventually('the address holds the selection', () => assert.match(page.url(), /selected=/))
    await page.keyboard.press('a')
    await page.getByLabel('Who').fill('night shift')
    await page.getByLabel('Why').fill('known change of devices')
    await page.getByLabel('Ticket').fill('T-1')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.notice:has-text("Acknowledged")')
    await page.waitForSelector('.history:has-text("night shift")')
    await eventually('it no longer waits', async () => assert.ok((await page.locator('.list [data-row]').count()) < before + 1))
    await page.keyboard.press('u')
    await page.waitForSelector('.history:has-text("undone")')
    assert.match((await page.textContent('.history')) ?? '', /known change of devices/)
    assert.deepEqual(await serious(page), [])
    assert.deepEqual(errors, [])
  })

  await t.test('one address holds everything: another screen shows the same', async () => {
    const address = new URL('/?view=map&frame=53.00000,-7.80000,17.00&find=zzz&show=all&theme=light&table=1', region.console).href
    const { page } = await visit(browser, address)
    await page.waitForSelector('.twin')
    assert.equal(await page.inputValue('.side [data-find]'), 'zzz')
    assert.equal(await page.getAttribute('html', 'data-theme'), 'light')
    await page.waitForTimeout(600)
    assert.equal(new URL(page.url()).searchParams.get('frame'), '53.00000,-7.80000,17.00')
  })

  await t.test('a moment that is over is shown, and l is live again', async () => {
    const { page } = await visit(browser, region.console)
    await eventually('there is a past', async () => {
      const known = (await (await fetch(new URL(`/api/at?time=${rfc3339(Date.now() - 3_000)}`, region.console))).json()) as {
        isKnown: boolean
      }
      assert.ok(known.isKnown)
    })
    const askedMs = Date.now()
    await page.evaluate(`{
      const slider = document.querySelector('.time input[type=range]')
      slider.value = '${Date.now() - 5_000}'
      slider.dispatchEvent(new Event('change', { bubbles: true }))
    }`)
    await page.waitForSelector('.link.is-past')
    const tookMs = Date.now() - askedMs
    t.diagnostic(`the past was shown after ${tookMs} ms`)
    assert.ok(tookMs < 10_000, `${tookMs} ms`)
    await page.keyboard.press('l')
    await page.waitForSelector('.link.is-live')
  })

  await t.test('a look-up by number shows its audited entry and keeps the number out of the address', async () => {
    const { page } = await visit(browser, new URL('/?view=lookup', region.console).href)
    await page.getByLabel('Number with +').fill('+353871234567')
    await page.getByLabel('In what role').fill('fraud desk')
    await page.getByLabel('Why').fill('test of the console')
    await page.getByLabel('Your name').fill('tester')
    await page.getByRole('button', { name: 'Look up', exact: true }).click()
    await page.waitForSelector('.audit:has-text("fraud desk")')
    assert.doesNotMatch(page.url(), /353871234567/)
    assert.doesNotMatch(await page.content(), /353871234567/)
    assert.deepEqual(await serious(page), [])
  })

  await t.test('a fence is drawn, named and watched', async () => {
    const { page } = await visit(browser, new URL('/?view=fences', region.console).href)
    await page.getByRole('button', { name: 'Draw a fence' }).click()
    for (const [x, y] of [
      [300, 300],
      [420, 300],
      [420, 420],
    ] as const)
      await page.locator('.map canvas').click({ position: { x, y } })
    await page.locator('.map-draw input').first().fill('Harbour')
    await page.getByRole('button', { name: 'Watch it' }).click()
    await page.waitForSelector('.detail h2:has-text("Fence")')
    const { items } = (await (await fetch(new URL('/api/fences', region.console))).json()) as { items: { name: string }[] }
    assert.deepEqual(
      items.map(({ name }) => name),
      ['Harbour'],
    )
  })

  for (const [name, viewport] of Object.entries(widths)) {
    for (const colorScheme of ['dark', 'light'] as const) {
      await t.test(`every view, ${name}, ${colorScheme}: nothing serious, nothing cut off sideways`, async () => {
        const { page, offHost, errors } = await visit(browser, region.console, { viewport, colorScheme, reducedMotion: 'reduce' })
        for (const view of ['map', 'alerts', 'sites', 'cells', 'lookup', 'fences', 'incidents']) {
          await page.goto(new URL(`/?view=${view}`, region.console).href)
          await page.waitForSelector(`.view-${view}`)
          await page.waitForTimeout(400)
          assert.deepEqual(await serious(page), [], view)
          assert.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), `${view} is wider than the screen`)
        }
        assert.deepEqual([offHost, errors], [[], []])
      })
    }
  }

  await t.test('a screen that hears nothing for a minute says so, and comes back by itself', async () => {
    const context = await browser.newContext({ viewport: widths.wide })
    const page = await context.newPage()
    await page.route('**/api/stream**', (route) => route.abort())
    await page.goto(region.console)
    await page.waitForSelector('.link.is-cut')
    await page.evaluate((aheadMs) => {
      const now = Date.now
      Date.now = () => now() + aheadMs
    }, 2 * aMinuteMs)
    await page.waitForSelector('.stale')
    await page.unroute('**/api/stream**')
    await page.waitForSelector('.link.is-live', { timeout: 30_000 })
    assert.equal(await page.locator('.stale').count(), 0)
  })
})
