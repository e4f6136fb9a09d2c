/** One message as a device would send it, to the running agent's broker, on the topic that is no event: how long until the PUBACK. */
import { readFileSync } from 'node:fs'
import mqtt from 'mqtt'
import { probeTopic } from '../event-topic.ts'

export interface MqttProbeOptions {
  readonly url: string
  readonly user?: string
  readonly passwordFile?: string
  readonly caFile?: string
}

/** Milliseconds from PUBLISH to PUBACK. Rejects with the broker's own reason. */
export async function mqttLoopback({ url, user, passwordFile, caFile }: MqttProbeOptions): Promise<number> {
  const password = passwordFile === undefined ? '' : readFileSync(passwordFile === '-' ? 0 : passwordFile, 'utf8').replace(/\r?\n$/, '')
  const client = await mqtt.connectAsync(
    url,
    {
      clientId: `doctor-${process.pid}`,
      clean: true,
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: 2_000,
      ...(user === undefined ? {} : { username: user, password }),
      ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
      rejectUnauthorized: false, // the agent's own broker, on this machine; its certificate is check mqtt-tls
    },
    false,
  )
  try {
    await client.publishAsync(probeTopic, '', { qos: 1 }) // the first pays for what the connection still has to set up
    const startedMs = performance.now()
    await client.publishAsync(probeTopic, '', { qos: 1 })
    return performance.now() - startedMs
  } finally {
    client.end(true)
  }
}
