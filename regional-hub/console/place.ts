/**
 * What is on the screen, as an address: view, selection, filters, time and map frame. One URL holds all of it, so that it can be pasted into a
 * ticket. Pure: reads and writes the text of a query, never the window.
 */

export const views = ['map', 'alerts', 'sites', 'cells', 'lookup', 'fences', 'incidents'] as const
export type View = (typeof views)[number]
export type Show = 'unacknowledged' | 'open' | 'all'
export type Metric = 'signal' | 'events' | 'drops'
export const layers = ['subscribers', 'trails', 'coverage', 'fences', 'alerts'] as const
export type Layer = (typeof layers)[number]

export interface Frame {
  readonly longitude: number
  readonly latitude: number
  /** Pixels across the whole world, as a power of two. */
  readonly zoom: number
}

export interface Place {
  readonly view: View
  /** `alert:…`, `situation:…`, `cell:…`, `site:…`, `subscriber:…`, `agent:…`, `fence:…`, or ''. */
  readonly selected: string
  /** Null: live. */
  readonly atMs: number | null
  readonly speed: number
  readonly isPlaying: boolean
  readonly frame: Frame | null
  readonly find: string
  readonly show: Show
  readonly severity: string
  readonly sort: string
  readonly hidden: readonly Layer[]
  readonly metric: Metric
  readonly compare: readonly string[]
  readonly hours: number
  readonly hasTable: boolean
  readonly isWall: boolean
  readonly theme: 'auto' | 'dark' | 'light'
}

export const home: Place = {
  view: 'map',
  selected: '',
  atMs: null,
  speed: 1,
  isPlaying: true,
  frame: null,
  find: '',
  show: 'unacknowledged',
  severity: '',
  sort: '',
  hidden: ['coverage'],
  metric: 'signal',
  compare: [],
  hours: 1,
  hasTable: false,
  isWall: false,
  theme: 'auto',
}

export function readPlace(query: string): Place {
  const given = new URLSearchParams(query)
  const text = (name: string) => given.get(name) ?? ''
  const at = text('at')
  const frame = text('frame').split(',').map(Number)
  const [latitude, longitude, zoom] = frame
  return {
    view: oneOf(views, text('view'), home.view),
    selected: text('selected'),
    atMs: at === '' ? null : finite(/^\d+$/.test(at) ? Number(at) : Date.parse(at)),
    speed: Math.min(600, Math.max(1, Number(text('speed')) || 1)),
    isPlaying: text('paused') === '',
    frame: frame.length === 3 && frame.every(Number.isFinite) ? { latitude: latitude!, longitude: longitude!, zoom: zoom! } : null,
    find: text('find'),
    show: oneOf(['unacknowledged', 'open', 'all'], text('show'), home.show),
    severity: text('severity'),
    sort: text('sort'),
    hidden: given.has('hidden') ? list(text('hidden')).filter((name): name is Layer => layers.includes(name as Layer)) : home.hidden,
    metric: oneOf(['signal', 'events', 'drops'], text('metric'), home.metric),
    compare: list(text('compare')).slice(0, 6),
    hours: oneOf([1, 6, 24, 168], Number(text('hours')), 1),
    hasTable: text('table') !== '',
    isWall: text('wall') !== '',
    theme: oneOf(['auto', 'dark', 'light'], text('theme'), home.theme),
  }
}

/** Only what differs from the plain page. */
export function writePlace(place: Place): string {
  const words = new URLSearchParams()
  const add = (name: string, value: string, plain = '') => {
    if (value !== plain) words.set(name, value)
  }
  add('view', place.view, home.view)
  add('selected', place.selected)
  if (place.atMs !== null) add('at', new Date(place.atMs).toISOString())
  add('speed', String(place.speed), '1')
  add('paused', place.isPlaying ? '' : '1')
  const { frame } = place
  if (frame !== null) add('frame', `${frame.latitude.toFixed(5)},${frame.longitude.toFixed(5)},${frame.zoom.toFixed(2)}`)
  add('find', place.find)
  add('show', place.show, home.show)
  add('severity', place.severity)
  add('sort', place.sort)
  add('hidden', place.hidden.join(','), home.hidden.join(','))
  add('metric', place.metric, home.metric)
  add('compare', place.compare.join(','))
  add('hours', String(place.hours), '1')
  add('table', place.hasTable ? '1' : '')
  add('wall', place.isWall ? '1' : '')
  add('theme', place.theme, home.theme)
  return words.toString()
}

/** What is selected, as kind and name. */
export function selection(place: Place): { readonly kind: string; readonly id: string } {
  const at = place.selected.indexOf(':')
  return { kind: place.selected.slice(0, Math.max(0, at)), id: place.selected.slice(at + 1) }
}

function oneOf<T>(all: readonly T[], value: unknown, plain: T): T {
  return all.includes(value as T) ? (value as T) : plain
}

function list(text: string): string[] {
  return text === '' ? [] : text.split(',')
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
