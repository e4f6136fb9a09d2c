/** What a person did with an alert, as it travels between hubs and core: JSON in, checked, and the next revision of it. Pure. */
import { BadFrame } from '#shared/batch-codec.ts'
import { type Fence, namePattern, type Triage } from '#shared/control.ts'

const statuses: readonly string[] = ['active', 'acknowledged', 'snoozed', 'closed'] satisfies Triage['status'][]

/** A fence from a region's console; throws `BadFrame` with what is wrong. */
export function parseFence(id: string, frame: Uint8Array): Fence {
  let found: Partial<Fence>
  try {
    found = JSON.parse(Buffer.from(frame).toString('utf8')) as Partial<Fence>
  } catch (cause) {
    throw new BadFrame('a fence message is not JSON', { cause })
  }
  const { name, revision, geometry } = found ?? {}
  if (found?.id !== id || !namePattern.test(id)) throw new BadFrame('fence: id is not that of its subject')
  if (typeof name !== 'string' || typeof revision !== 'number' || !Number.isSafeInteger(revision)) {
    throw new BadFrame('fence: name or revision is missing')
  }
  if (geometry?.type !== 'Circle' && geometry?.type !== 'Polygon') throw new BadFrame('fence: geometry is neither a circle nor a polygon')
  return found as Fence
}

/** Throws `BadFrame` with what is wrong. */
export function parseTriage(frame: Uint8Array): Triage {
  let found: Partial<Triage>
  try {
    found = JSON.parse(Buffer.from(frame).toString('utf8')) as Partial<Triage>
  } catch (cause) {
    throw new BadFrame('a triage message is not JSON', { cause })
  }
  const { alertId, revision, status, by, reason, ticket, untilMs, atMs } = found ?? {}
  if (typeof alertId !== 'string' || !/^[0-9a-f]{32}$/.test(alertId)) throw new BadFrame('triage: alertId is not 32 hex digits')
  if (typeof revision !== 'number' || !Number.isFinite(revision)) throw new BadFrame('triage: revision is no number')
  if (typeof status !== 'string' || !statuses.includes(status)) throw new BadFrame(`triage: status '${status}' is not known`)
  if (typeof by !== 'string' || typeof reason !== 'string') throw new BadFrame('triage: by or reason is missing')
  if (typeof atMs !== 'number' || !Number.isFinite(atMs)) throw new BadFrame('triage: atMs is no number')
  return {
    alertId,
    revision,
    status: status as Triage['status'],
    by,
    reason,
    atMs,
    ...(typeof ticket === 'string' ? { ticket } : {}),
    ...(typeof untilMs === 'number' ? { untilMs } : {}),
  }
}
