/** What the agent's checks look at besides what all services have: its `/site`, and two probes that only the command can make. */
import { CheckContext, type CheckContextOptions } from '#shared/check-context.ts'
import type { AgentConfig } from './config.ts'
import type { SiteSight } from './watch-site.ts'

export interface StoresVerdict {
  readonly files: number
  readonly rows: number
  readonly bytes: number
  readonly problems: readonly string[]
}

export interface AgentProbes {
  /** Milliseconds from PUBLISH to PUBACK at the running agent's broker. */
  readonly mqttLoopback?: () => Promise<number>
  /** Undefined when it was stopped by the signal. */
  readonly verifyStores?: (signal: AbortSignal) => Promise<StoresVerdict | undefined>
}

export interface AgentCheckOptions {
  readonly load: () => AgentConfig
  readonly configFile?: string
  readonly inside?: boolean
  readonly probes?: (context: AgentCheckContext) => AgentProbes
  /** A device's credential, where the broker asks for one. */
  readonly device?: { readonly user?: string; readonly passwordFile?: string }
}

export class AgentCheckContext extends CheckContext<AgentConfig> {
  readonly probes: AgentProbes
  readonly device: { readonly user?: string; readonly passwordFile?: string }

  constructor({ load, configFile = '', inside = false, probes, device = {} }: AgentCheckOptions) {
    super({ service: 'edge-agent', configFile, load, inside, ...shared })
    this.device = device
    this.probes = probes?.(this) ?? {}
  }

  async site(): Promise<SiteSight | undefined> {
    return (await this.running())?.site as SiteSight | undefined
  }
}

const shared: Pick<CheckContextOptions<AgentConfig>, 'nats' | 'quotaBytes' | 'ports'> = {
  nats: ({ hub, agent }) => ({ url: hub.natsUrl, name: `agent-${agent}`, access: hub }),
  quotaBytes: ({ journal, outbox }) => journal.quotaBytes + outbox.quotaBytes + journal.ballastBytes + outbox.ballastBytes,
  ports: ({ mqtt, netflow, admin }) => [
    ...(mqtt.enabled ? [{ setting: 'mqtt.port', host: mqtt.host, port: mqtt.port, kind: 'tcp' as const }] : []),
    ...(netflow.enabled ? [{ setting: 'netflow.port', host: netflow.host, port: netflow.port, kind: 'udp' as const }] : []),
    { setting: 'admin.port', host: admin.host, port: admin.port, kind: 'tcp' as const },
  ],
}
