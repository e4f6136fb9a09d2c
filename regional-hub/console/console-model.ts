/**
 * The one model behind the page: what is shown (live or replayed, through the same reducer), where the viewer is, and what was asked of the hub.
 * Views read its signals; only the functions here change them.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { FenceItem, LiveMessage, LiveState, SessionAnswer, Situation, SituationsAnswer, StatusAnswer } from '../console-api.ts'
import { emptyLive, reduceLive } from '../reduce-live.ts'
import { ask } from './ask-hub.ts'
import type { CellPlaces } from './cell-places.ts'
import type { LinkState } from './live-link.ts'
import { home, type Place } from './place.ts'
import { groupHere } from './situations-here.ts'

export interface Notice {
  readonly words: string
  readonly isBad: boolean
  readonly undo?: (() => void) | undefined
}

export interface Alerted {
  readonly alerts: LiveState['alerts']
  readonly triage: LiveState['triage']
}

export interface Console {
  readonly place: Signal<Place>
  readonly live: Signal<LiveState>
  /** The state of the moment looked at; null while live. */
  readonly past: Signal<LiveState | null>
  readonly shown: ReadonlySignal<LiveState>
  /** Alerts and people’s words on them, of what is shown: quiet while only positions and measurements come. */
  readonly alerted: ReadonlySignal<Alerted>
  /** Time of what is shown, to ten seconds. */
  readonly shownMs: ReadonlySignal<number>
  readonly cells: Signal<CellPlaces | undefined>
  readonly fences: Signal<readonly FenceItem[]>
  readonly answered: Signal<SituationsAnswer | undefined>
  readonly situations: ReadonlySignal<readonly Situation[]>
  readonly session: Signal<SessionAnswer | undefined>
  readonly status: Signal<StatusAnswer | undefined>
  readonly link: Signal<LinkState>
  readonly heardMs: Signal<number>
  /** Ticks every second. */
  readonly nowMs: Signal<number>
  readonly notice: Signal<Notice | null>
  /** Read out to those who do not see the page. */
  readonly announced: Signal<string>
  /** Name typed where there are no accounts. */
  readonly who: Signal<string>
  readonly dialog: Signal<'' | 'help' | 'palette' | 'triage'>
  readonly isDark: Signal<boolean>
  go(change: Partial<Place>): void
  took(message: LiveMessage): void
  tell(words: string, isBad?: boolean, undo?: () => void): void
  refreshSituations(): Promise<void>
  refreshFences(): Promise<void>
}

export function createConsole(place: Place = home): Console {
  const placeSignal = signal(place)
  const live = signal<LiveState>(emptyLive)
  const past = signal<LiveState | null>(null)
  const shown = computed(() => past.value ?? live.value)
  const alerts = computed(() => shown.value.alerts)
  const triage = computed(() => shown.value.triage)
  const alerted = computed(() => ({ alerts: alerts.value, triage: triage.value }))
  const answered = signal<SituationsAnswer | undefined>(undefined)
  const notice = signal<Notice | null>(null)
  const heardMs = signal(Date.now())
  const fences = signal<readonly FenceItem[]>([])
  let noticeTimer: ReturnType<typeof setTimeout> | undefined
  const tell = (words: string, isBad = false, undo?: () => void) => {
    notice.value = { words, isBad, undo }
    clearTimeout(noticeTimer)
    noticeTimer = setTimeout(
      () => {
        notice.value = null
      },
      isBad || undo !== undefined ? 12_000 : 5_000,
    )
  }
  return {
    place: placeSignal,
    live,
    past,
    shown,
    alerted,
    shownMs: computed(() => Math.ceil(shown.value.timeMs / 10_000) * 10_000),
    cells: signal<CellPlaces | undefined>(undefined),
    fences,
    answered,
    situations: computed(() => (past.value === null && answered.value !== undefined ? answered.value.items : groupHere(alerted.value))),
    session: signal<SessionAnswer | undefined>(undefined),
    status: signal<StatusAnswer | undefined>(undefined),
    link: signal<LinkState>('connecting'),
    heardMs,
    nowMs: signal(Date.now()),
    notice,
    announced: signal(''),
    who: signal(localStorage.getItem('tributary-who') ?? ''),
    dialog: signal<'' | 'help' | 'palette' | 'triage'>(''),
    isDark: signal(true),
    go: (change) => {
      placeSignal.value = { ...placeSignal.value, ...change }
    },
    took: (message) =>
      batch(() => {
        heardMs.value = Date.now()
        live.value = reduceLive(live.value, message)
      }),
    tell,
    refreshSituations: async () => {
      answered.value = await ask<SituationsAnswer>('/api/situations?show=all').catch(() => undefined)
    },
    refreshFences: async () => {
      fences.value = (await ask<{ items: FenceItem[] }>('/api/fences')).items
    },
  }
}

export const ConsoleContext = createContext<Console>(null as unknown as Console)

export function useConsole(): Console {
  return useContext(ConsoleContext)
}
