/** Wires `tributary-agent doctor`: the agent's checks with the two probes only a command makes, an MQTT message to and fro and verified stores. */
import { execFile } from 'node:child_process'
import { loadConfig } from '#shared/config.ts'
import { mqttLoopback } from './adapters/mqtt-probe.ts'
import { type AgentCheckContext, AgentCheckContext as Context, type StoresVerdict } from './agent-check-context.ts'
import { configSchema } from './config.ts'

export interface DoctorRequest {
  readonly configFile: string
  readonly user?: string
  readonly passwordFile?: string
}

export function doctorContext({ configFile, user, passwordFile }: DoctorRequest): AgentCheckContext {
  return new Context({
    configFile,
    load: () => loadConfig(configSchema, configFile),
    device: { user, passwordFile },
    probes: (context) => ({
      mqttLoopback: () => {
        const { host, port, tls } = context.settings.mqtt
        const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host
        return mqttLoopback({ url: `${tls === undefined ? 'mqtt' : 'mqtts'}://${name}:${port}`, user, passwordFile })
      },
      verifyStores: (signal) => verifyElsewhere(configFile, signal),
    }),
  })
}

/** In a process of its own, because SQLite's checks cannot be interrupted. */
function verifyElsewhere(configFile: string, signal: AbortSignal): Promise<StoresVerdict | undefined> {
  return new Promise((resolve, reject) => {
    const command = [process.argv[1]!, 'buffer', 'verify', '--json', '--config', configFile]
    execFile(process.execPath, command, { signal, killSignal: 'SIGKILL', maxBuffer: 4 << 20 }, (error, stdout) => {
      if (signal.aborted) resolve(undefined)
      else {
        try {
          resolve(JSON.parse(stdout) as StoresVerdict)
        } catch {
          reject(error ?? new Error('buffer verify gave no answer'))
        }
      }
    })
  })
}
