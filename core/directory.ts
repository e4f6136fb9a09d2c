/**
 * The claim directory: which region saw a SIM, a number or a device last, and who must hear of it. Pure but for the store it is given.
 *
 * A hub claims what it sees and does not own. The directory tells it what other regions have seen of the same key, and tells them of the
 * claim; the hubs judge, by event time. Kept per key: the last 4 claims by event time of a SIM or number, of a device the latest of its last
 * 16 SIMs per region. For a SIM or number the neighbours in time are told, so that late claims lead to the same alerts as punctual ones.
 * The same claim again leads to the same notices again: whoever receives them is idempotent, as is the store.
 */
import { type Claim, type Notice, namePattern, type RemoteSighting } from '#shared/control.ts'

const ringSize = { sim: 4, number: 4, device: 16 } as const

export interface ClaimStore {
  read(tenant: string, kind: Claim['kind'], key: string): readonly Claim[]
  replace(tenant: string, kind: Claim['kind'], key: string, claims: readonly Claim[]): void
}

export interface AddressedNotice {
  readonly tenant: string
  /** Who is told. */
  readonly region: string
  /** The same for the same news, whenever it is told again. */
  readonly id: string
  readonly notice: Notice
}

export function settleClaim(store: ClaimStore, tenant: string, claim: Claim): AddressedNotice[] {
  const { kind, key } = claim
  const known = store.read(tenant, kind, key).filter((one) => one.id !== claim.id)
  const all = [...known, claim].sort(byTime)
  store.replace(tenant, kind, key, kind === 'device' ? lastSims(all) : all.slice(-ringSize[kind]))
  const newest = all.at(-1)!
  const here = claim.sighting.region
  const others = known.filter((one) => one.sighting.region !== here)
  const notices: AddressedNotice[] = []
  const tell = (region: string, about: Claim) =>
    notices.push({
      tenant,
      region,
      id: `${claim.id}.${about.id}.${region}`,
      notice: { kind, key, released: about === newest, sighting: about.sighting },
    })
  for (const [region, theirs] of Map.groupBy(others, (one) => one.sighting.region)) {
    for (const about of kind === 'device' ? theirs : neighbours(theirs, claim)) tell(here, about)
    tell(region, claim)
  }
  return notices
}

/** Event time, then the hub's epoch; region and id decide what is left, so that every directory orders alike. */
function byTime(a: Claim, b: Claim): number {
  const text = (one: Claim) => `${one.sighting.region}/${one.id}`
  return a.sighting.timeMs - b.sighting.timeMs || a.hubEpoch - b.hubEpoch || (text(a) < text(b) ? -1 : 1)
}

function neighbours(theirs: readonly Claim[], claim: Claim): Claim[] {
  const sorted = [...theirs].sort(byTime)
  const before = sorted.filter((one) => byTime(one, claim) < 0).at(-1)
  const after = sorted.find((one) => byTime(one, claim) > 0)
  return [before, after].filter((one) => one !== undefined)
}

function lastSims(sorted: readonly Claim[]): Claim[] {
  const latest = new Map<string, Claim>()
  for (const one of sorted) {
    const sim = `${one.sighting.subscriber}/${one.sighting.region}`
    latest.delete(sim)
    latest.set(sim, one)
  }
  return [...latest.values()].slice(-ringSize.device)
}

/** Throws with what is wrong. The region is the one whose credential published it. */
export function parseClaim(octets: Uint8Array, region: string): Claim {
  const found = JSON.parse(Buffer.from(octets).toString('utf8')) as Claim
  const hex = /^[0-9a-f]{32}$/
  if (!['sim', 'number', 'device'].includes(found?.kind)) throw new Error(`kind '${found?.kind}' is not known`)
  if (typeof found.id !== 'string' || found.id === '' || found.id.length > 200)
    throw new Error('id is missing or longer than 200 characters')
  if (typeof found.key !== 'string' || !hex.test(found.key)) throw new Error('key is not 32 hex digits')
  if (typeof found.hubEpoch !== 'number') throw new Error('hubEpoch is no number')
  const sighting = found.sighting as RemoteSighting | undefined
  if (typeof sighting?.timeMs !== 'number' || !Number.isFinite(sighting.timeMs)) throw new Error('sighting.timeMs is no number')
  if (!namePattern.test(region)) throw new Error(`region '${region}' is no name`)
  if (sighting.region !== region) throw new Error(`it says region '${sighting.region}', its carrier '${region}'`)
  return found
}
