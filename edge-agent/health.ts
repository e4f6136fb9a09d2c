/** Is the agent well: one check per thing that can go wrong, in words that a field team can act on. */
import type { HealthCheck } from '#shared/admin.ts'
import type { Clock } from '#shared/clock.ts'
import type { Lane } from '#shared/records.ts'
import type { Outbox, Uplink } from './ports.ts'

export interface HealthDeps {
  readonly clock: Clock
  readonly journal: { readonly octets: number; readonly head: number; readonly refusal: string }
  readonly journalQuotaBytes: number
  readonly outbox: Outbox
  readonly uplink: Uplink
  /** Per tap, when it took something last; 0: never. */
  readonly lastArrivals: () => readonly { readonly tap: string; readonly atMs: number }[]
}

const watermarkLagLimitMs = 30_000
const waitLimitMs: Readonly<Record<Lane, number>> = {
  alarm: 30_000,
  movement: 30_000,
  ledger: 60_000,
  sighting: 60_000,
  window: 120_000,
  backfill: 3600_000,
}

export function agentHealth({ clock, journal, journalQuotaBytes, outbox, uplink, lastArrivals }: HealthDeps): HealthCheck[] {
  const nowMs = clock.nowMs()
  const { refusal } = journal
  const share = journal.octets / journalQuotaBytes
  const { watermarkMs } = outbox.beat(nowMs)
  const lagMs = nowMs - watermarkMs
  return [
    {
      id: 'journal',
      verdict: refusal !== '' ? 'failed' : share < 0.5 ? 'ok' : share < 0.95 ? 'degraded' : 'failed',
      value: journal.head,
      words:
        refusal !== ''
          ? `devices are not acknowledged: ${refusal}`
          : share < 0.95
            ? `${journal.octets} of ${journalQuotaBytes} bytes are held`
            : 'full: devices are not acknowledged until the outbox has room again',
    },
    {
      id: 'uplink',
      verdict: uplink.connected ? 'ok' : 'degraded',
      value: uplink.connected,
      words: uplink.connected
        ? 'connected to the region’s server'
        : 'no way to the region’s server; everything is kept here until there is',
    },
    {
      id: 'watermark',
      verdict: lagMs < watermarkLagLimitMs ? 'ok' : 'degraded',
      value: watermarkMs,
      words: `everything that arrived until ${Math.round(lagMs / 1000)} s ago is numbered for sending`,
    },
    ...outbox.backlog().map(({ lane, rows, bytes, oldestMs }): HealthCheck => {
      const ageMs = nowMs - oldestMs
      return {
        id: `outbox.${lane}`,
        verdict: ageMs < waitLimitMs[lane] ? 'ok' : 'degraded',
        value: rows,
        words: `${rows} batches, ${bytes} bytes, the oldest ${Math.round(ageMs / 1000)} s old, wait for the hub’s watermark`,
      }
    }),
    ...lastArrivals().map(({ tap, atMs }): HealthCheck => {
      const words = atMs === 0 ? 'nothing has come yet' : `something came ${Math.round((nowMs - atMs) / 1000)} s ago`
      return { id: `tap.${tap}`, verdict: 'ok', value: atMs === 0 ? null : atMs, words }
    }),
  ]
}
