/**
 * Still, walking or vehicle, from the filter's speed held for a while; and ping-pong between cells, which is no motion at all.
 */
import type { DetectionConfig } from './detection-config.ts'
import { f, type RecordPage, x as r, w } from './subscriber-table.ts'

/** Positions in shared/records.ts `motions`. */
export const still = 1
export const walking = 2
export const vehicle = 3

/** Notes the serving cell. Answers true when the change is ping-pong: back at the cell just left, or a pair that alternates. */
export function noteCell(config: DetectionConfig['locate'], page: RecordPage, at: number, timeMs: number, cell: number): boolean {
  const { u32, f64 } = page
  const current = u32[at + w.cell]!
  if (current === cell) return false
  const previous = u32[at + w.previousCell]!
  const nowS = Math.floor(timeMs / 1000)
  let alternations = u32[at + w.motion]! >>> 24
  const isBack = previous === cell
  const windowS = config.boundaryMs / 1000
  if (!isBack || nowS - u32[at + w.alternationS]! > windowS) {
    alternations = 0
    u32[at + w.alternationS] = nowS
  }
  if (isBack) alternations = Math.min(255, alternations + 1)
  u32[at + w.motion] = ((u32[at + w.motion]! & 0x00ffffff) | (alternations << 24)) >>> 0
  const isPingPong = isBack && (timeMs - f64[at / 2 + f.leftMs]! <= config.pingPongMs || alternations >= config.boundaryAlternations)
  u32[at + w.previousCell] = current
  u32[at + w.cell] = cell
  f64[at / 2 + f.leftMs] = timeMs
  return isPingPong
}

/** Notes a speed (the phone's own, or the filter's) and answers the class of motion. */
export function classifyMotion(
  config: DetectionConfig['locate'],
  page: RecordPage,
  at: number,
  timeMs: number,
  reportedMps: number,
): number {
  const { u32 } = page
  const packed = u32[at + w.motion]!
  const current = packed & 0xff
  const speedMps = Number.isNaN(reportedMps) ? filteredSpeed(page, at) : reportedMps
  const found = speedMps < config.walkingMps ? still : speedMps > config.vehicleMps ? vehicle : walking
  if (found === current) {
    u32[at + w.motion] = (packed & 0xffff00ff) | (current << 8)
    return current
  }
  const nowS = Math.floor(timeMs / 1000)
  const candidate = (packed >>> 8) & 0xff
  if (candidate !== found) {
    u32[at + w.candidateS] = nowS
    u32[at + w.motion] = (packed & 0xffff00ff) | (found << 8)
    if (current !== 0 || found === vehicle) return current
  }
  if (current !== 0 && nowS - u32[at + w.candidateS]! < config.vehicleHoldMs / 1000) return current
  if (found === vehicle && nowS - u32[at + w.candidateS]! < config.vehicleHoldMs / 1000) return current
  u32[at + w.motion] = (u32[at + w.motion]! & 0xffffff00) | found
  return found
}

/** Speed the filter is sure of: what is smaller than its own uncertainty counts as none. */
export function filteredSpeed(page: RecordPage, at: number): number {
  const { f32 } = page
  // Math.hypot takes ten times as long; nothing here can overflow.
  const vx = f32[at + r.vx]!
  const vy = f32[at + r.vy]!
  const speedMps = Math.sqrt(vx * vx + vy * vy)
  return speedMps > Math.sqrt(Math.max(0, f32[at + r.p11]!)) * 0.7 ? speedMps : 0
}

/** How much acceleration the filter allows for. */
export function accelerationOf(config: DetectionConfig['locate'], page: RecordPage, at: number): number {
  const motion = page.u32[at + w.motion]! & 0xff
  if (motion === still) return config.stillMps2
  return motion === vehicle ? config.vehicleMps2 : config.walkingMps2
}
