/**
 * Which process listens where. Consecutive from a base, in a fixed order, so that the same options give the same addresses every time:
 *
 *   base      core API        base + 4 …  for each region: its server, the hub's API and stream, the hub's admin,
 *   base + 1  core admin                  then for each of its agents: MQTT, flow exports (UDP), admin
 *   base + 2  core's server
 *   base + 3  its leaf nodes
 *
 * With the defaults: 14200 to 14221.
 */
export const defaultPortBase = 14_200
export const mostPorts = 64

export interface Port {
  readonly number: number
  readonly protocol: 'tcp' | 'udp'
  /** What listens there, as a person would say it. */
  readonly use: string
}

export interface AgentPorts {
  readonly name: string
  readonly mqtt: number
  readonly netflow: number
  readonly admin: number
}

export interface RegionPorts {
  readonly name: string
  readonly nats: number
  readonly api: number
  readonly admin: number
  readonly agents: readonly AgentPorts[]
}

export interface PortPlan {
  readonly core: { readonly api: number; readonly admin: number; readonly nats: number; readonly leaf: number }
  readonly regions: readonly RegionPorts[]
  readonly all: readonly Port[]
}

export const portsNeeded = (regions: number, agentsPerRegion: number) => 4 + regions * (3 + 3 * agentsPerRegion)

export function planPorts(base: number, regions: readonly string[], agentsPerRegion: number): PortPlan {
  const all: Port[] = []
  const next = (use: string, protocol: Port['protocol'] = 'tcp') => {
    const number = base + all.length
    all.push({ number, protocol, use })
    return number
  }
  const core = { api: next('core API'), admin: next('core admin'), nats: next("core's server"), leaf: next("core's server, leaf nodes") }
  const planned = regions.map((name) => ({
    name,
    nats: next(`${name}: server`),
    api: next(`${name}: hub API and stream`),
    admin: next(`${name}: hub admin`),
    agents: Array.from({ length: agentsPerRegion }, (_, index) => {
      const agent = `${name}-${index + 1}`
      return { name: agent, mqtt: next(`${agent}: MQTT`), netflow: next(`${agent}: flow exports`, 'udp'), admin: next(`${agent}: admin`) }
    }),
  }))
  return { core, regions: planned, all }
}
