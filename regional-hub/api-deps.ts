/** What the API reads and the few things it may do; and the schemas that judge what callers send. */
import { z } from 'zod'
import { canonicalCell } from '#shared/cell-id.ts'
import type { Clock } from '#shared/clock.ts'
import { type Pseudonymiser, parsePseudonym, wordsToHex } from '#shared/pseudonym.ts'
import type { HistoryClient } from './adapters/history-client.ts'
import type { SqliteAlerts } from './adapters/sqlite-alerts.ts'
import type { SqliteAudit } from './adapters/sqlite-audit.ts'
import type { SqliteDesk } from './adapters/sqlite-desk.ts'
import type { Access, Actor } from './api-access.ts'
import type { CellInventory } from './cell-inventory.ts'
import type { HubReport } from './events.ts'
import type { FenceDesk } from './fence-desk.ts'
import type { LiveFeed } from './live-feed.ts'
import type { Acquaintances } from './look-up.ts'
import type { HubPipeline } from './pipeline.ts'
import type { RegionEyes } from './region-eyes.ts'
import type { AgentWatch } from './watch-agents.ts'

export interface ApiDeps {
  readonly tenant: string
  readonly region: string
  readonly clock: Clock
  readonly report: HubReport
  readonly pipeline: HubPipeline
  readonly cells: () => CellInventory | undefined
  readonly alerts: SqliteAlerts
  readonly history: HistoryClient
  readonly feed: LiveFeed
  readonly eyes: RegionEyes
  readonly desk: SqliteDesk
  readonly audit: SqliteAudit
  readonly access: Access
  readonly fences: FenceDesk
  readonly watch: AgentWatch
  readonly historyDays: number
  /** Into the audit log: who changed what. */
  readonly noteChange: (actor: Actor | undefined, by: string, action: string, subject: string, reason?: string, ticket?: string) => void
  readonly pseudonyms: Pick<Pseudonymiser, 'text' | 'compute'>
  /** Undefined until the detector is there. */
  readonly lookUp: (words: Uint32Array) => Acquaintances | undefined
  /** Folder of the built console. */
  readonly consoleDir: string
}

const hourMs = 3600_000

/** RFC 3339 with zone, or epoch milliseconds. */
export const time = z.string().transform((text, context) => {
  const timeMs = /^\d{10,14}$/.test(text) ? Number(text) : /T.*(Z|[+-]\d\d:\d\d)$/i.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(timeMs)) return timeMs
  context.addIssue({ code: 'custom', message: 'expected RFC 3339 with zone, or epoch milliseconds' })
  return z.NEVER
})

/** RFC 3339 with zone: what a body says. */
export const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

export const cell = z.string().transform((text, context) => {
  const canonical = canonicalCell(text)
  if (canonical !== undefined) return canonical
  context.addIssue({ code: 'custom', message: 'expected MCC-MNC-identity' })
  return z.NEVER
})

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: hourMs, d: 24 * hourMs }
/** 10s … 1d. */
export const bucket = z
  .string()
  .default('1m')
  .transform((text, context) => {
    const [, count, unit] = /^(\d{1,4})([smhd])$/.exec(text) ?? []
    const bucketMs = Number(count) * (units[unit ?? ''] ?? Number.NaN)
    if (bucketMs >= 10_000 && bucketMs <= 24 * hourMs) return bucketMs
    context.addIssue({ code: 'custom', message: 'expected 10s to 1d' })
    return z.NEVER
  })

/** A pseudonym as text or as 32 hex digits; answers its 16 octets. */
export const pseudonym = z.string().transform((text, context) => {
  const words = parsePseudonym(text)
  const hex = words === undefined ? text.toLowerCase() : wordsToHex(words)
  if (/^[0-9a-f]{32}$/.test(hex)) return Buffer.from(hex, 'hex')
  context.addIssue({ code: 'custom', message: 'expected a pseudonym (psn1.…) or 32 hex digits; raw numbers are never taken in a URL' })
  return z.NEVER
})

export const limit = (most: number, fallback: number) => z.coerce.number().int().min(1).max(most).default(fallback)

/** `from` inclusive, `to` exclusive; without them the last hour. */
export function rangeOf({ from, to }: { from?: number; to?: number }, nowMs: number): { fromMs: number; toMs: number } {
  const toMs = to ?? nowMs + 1
  return { fromMs: from ?? toMs - hourMs, toMs }
}

export const range = { from: time.optional(), to: time.optional() }
