/** Starts the page: reads the address, asks who is here, follows the stream, and keeps address and theme in step with the model. */
import { effect } from '@preact/signals'
import { render } from 'preact'
import type { SessionAnswer, StatusAnswer } from '../console-api.ts'
import { decodeCells } from '../console-wire.ts'
import { announce } from './announce.ts'
import { App } from './app.tsx'
import { ask, askOctets, Refusal } from './ask-hub.ts'
import { placeCells } from './cell-places.ts'
import { type Console, ConsoleContext, createConsole } from './console-model.ts'
import { takeKeys } from './keys.ts'
import { followStream } from './live-link.ts'
import { readPlace, writePlace } from './place.ts'
import { followTime } from './time-travel.ts'

const situationsMs = 400
const statusMs = 5_000

function start(): void {
  const console = createConsole(readPlace(location.search))
  wearTheme(console)
  keepAddress(console)
  takeKeys(console)
  render(
    <ConsoleContext.Provider value={console}>
      <App />
    </ConsoleContext.Provider>,
    document.getElementById('console')!,
  )
  void enter(console)
}

/** Again after a login. */
export async function enter(console: Console): Promise<void> {
  try {
    console.session.value = await ask<SessionAnswer>('/api/session')
  } catch (error) {
    if (error instanceof Refusal && error.status !== 404) console.tell(error.message, true)
    console.session.value = { mode: 'open', user: null, idleMs: 0, absoluteMs: 0, sinceMs: null, endsMs: null }
  }
  const session = console.session.value
  if (session.mode === 'accounts' && session.user === null) return
  followStream({ took: console.took, changed: (state) => (console.link.value = state) })
  setInterval(() => (console.nowMs.value = Date.now()), 1000)
  followTime(console)
  announce(console)
  askAgainOnNews(console)
  await Promise.allSettled([loadCells(console), console.refreshFences(), console.refreshSituations(), followStatus(console)])
}

async function loadCells(console: Console): Promise<void> {
  try {
    console.cells.value = placeCells(decodeCells(await askOctets('/api/cells.bin')))
  } catch (error) {
    console.tell(`The cells could not be loaded: ${(error as Error).message}`, true)
  }
}

async function followStatus(console: Console): Promise<void> {
  const refresh = async () => {
    console.status.value = await ask<StatusAnswer>('/api/status').catch(() => console.status.value)
  }
  setInterval(refresh, statusMs)
  await refresh()
}

/** Situations are grouped by the hub: asked for again, soon, whenever alerts or people's words on them change. */
function askAgainOnNews(console: Console): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let known: readonly unknown[] = []
  effect(() => {
    const { alerts, triage } = console.live.value
    if (known[0] === alerts && known[1] === triage) return
    known = [alerts, triage]
    timer ??= setTimeout(() => {
      timer = undefined
      void console.refreshSituations()
    }, situationsMs)
  })
}

function keepAddress(console: Console): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let view = console.place.value.view
  effect(() => {
    const words = writePlace(console.place.value)
    const isNewView = console.place.value.view !== view
    view = console.place.value.view
    clearTimeout(timer)
    const write = () => history[isNewView ? 'pushState' : 'replaceState'](null, '', words === '' ? '/' : `/?${words}`)
    if (isNewView) write()
    else timer = setTimeout(write, 150)
  })
  addEventListener('popstate', () => {
    const place = readPlace(location.search)
    view = place.view
    console.place.value = place
  })
}

function wearTheme(console: Console): void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const wear = () => {
    const { theme, isWall } = console.place.value
    const isDark = theme === 'auto' ? dark.matches : theme === 'dark'
    document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
    document.documentElement.dataset.wall = String(isWall)
    console.isDark.value = isDark
  }
  effect(wear)
  dark.addEventListener('change', wear)
}

start()
