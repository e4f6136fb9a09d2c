/** The frame of the page: bar, ways, the view, what is selected, and time. */
import type { ComponentType } from 'preact'
import { AlertsView } from './alerts-view.tsx'
import { useConsole } from './console-model.ts'
import { Dialogs } from './dialogs.tsx'
import { viewWords } from './keys.ts'
import { lazy } from './lazy-view.tsx'
import { LoginView } from './login-view.tsx'
import { MapPage } from './map-page.tsx'
import { views } from './place.ts'
import { TimeBar } from './time-bar.tsx'
import { TopBar } from './top-bar.tsx'

const SitesView = lazy(() => import('./sites-view.tsx').then((module) => module.SitesView))
const CellsView = lazy(() => import('./cells-view.tsx').then((module) => module.CellsView))
const LookupView = lazy(() => import('./lookup-view.tsx').then((module) => module.LookupView))
const IncidentsView = lazy(() => import('./incidents-view.tsx').then((module) => module.IncidentsView))

const pages: Readonly<Record<string, ComponentType>> = {
  map: MapPage,
  fences: MapPage,
  alerts: AlertsView,
  sites: SitesView,
  cells: CellsView,
  lookup: LookupView,
  incidents: IncidentsView,
}

export function App() {
  const console = useConsole()
  const session = console.session.value
  if (session === undefined) return <p class="empty">Asking the hub…</p>
  if (session.mode === 'accounts' && session.user === null) return <LoginView />
  const { view } = console.place.value
  const Page = pages[view]!
  const open = console.situations.value.filter(({ status, muted }) => status === 'active' && muted === null).length
  return (
    <>
      <TopBar />
      <nav class="ways" aria-label="Views">
        {views.map((name) => (
          <button
            key={name}
            type="button"
            aria-current={name === view ? 'page' : undefined}
            onClick={() => console.go({ view: name, find: '' })}
          >
            {viewWords[name]}
            {name === 'alerts' && open > 0 && <b>{open}</b>}
          </button>
        ))}
      </nav>
      <main class={`view view-${view}`}>
        <Page />
      </main>
      <TimeBar />
      <Dialogs />
      <p class="visually-hidden" aria-live="polite">
        {console.announced.value}
      </p>
    </>
  )
}
