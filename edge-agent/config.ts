/**
 * Everything an operator sets for an agent: default, bounds, unit and a sentence each. Loaded once, from one YAML file and the environment.
 * The width of windows is no setting: every reader counts on 10 s.
 */
import { z } from 'zod'
import { namePattern } from '#shared/control.ts'
import { logLevels } from '#shared/log.ts'

const name = z.string().regex(namePattern)
const port = z.number().int().min(0).max(65535)
const mebibyte = 2 ** 20
const octets = (minimum: number, standard: number) =>
  z
    .number()
    .int()
    .min(minimum)
    .max(2 ** 43)
    .default(standard)
const whole = (minimum: number, maximum: number, standard: number) => z.number().int().min(minimum).max(maximum).default(standard)
const loopback = z.string().min(1).default('127.0.0.1')

const mqtt = z.strictObject({
  enabled: z.boolean().default(true).describe('Run the embedded MQTT broker.'),
  host: loopback.describe('Address the broker listens on; loopback unless told otherwise.'),
  port: port.default(1883).describe('Port of the broker; 0 takes any free one.'),
  allowAnonymous: z.boolean().default(false).describe('Take devices without a credential on an address that others can reach.'),
  connectTimeoutMs: whole(100, 300_000, 5_000).describe('Milliseconds a new connection has for its CONNECT packet.'),
  limits: z
    .strictObject({
      maxControlBytes: octets(256, 16 << 10).describe('Bytes of any packet but PUBLISH; a longer one closes the connection.'),
      maxPublishBytes: octets(256, 256 << 10).describe('Bytes of a PUBLISH packet; a longer one closes the connection.'),
      maxConnections: whole(1, 100_000, 4_096).describe('Connections at once; one more is closed before it is read.'),
      maxConnectionsPerAddress: whole(1, 100_000, 1_024).describe('Connections at once from one address.'),
      maxUnfinishedBytes: octets(65_536, 32 * mebibyte).describe('Bytes of packets not yet complete, over all connections.'),
      packetTimeoutMs: whole(100, 600_000, 30_000).describe('Milliseconds a packet may take to become complete.'),
    })
    .prefault({}),
  users: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(128).describe('User name as devices send it.'),
        passwordHash: z
          .string()
          .regex(/^scrypt\$/)
          .describe('Hash of the password, from `tributary-agent password`.'),
        tenant: name.optional().describe('Tenant of this credential; default: the agent’s.'),
      }),
    )
    .default([])
    .describe('Credentials of devices. Empty: none are asked for, on loopback only.'),
  tls: z
    .strictObject({
      certFile: z.string().min(1).describe('Certificate chain, PEM.'),
      keyFile: z.string().min(1).describe('Private key, PEM.'),
      caFile: z.string().min(1).optional().describe('CA of device certificates, PEM; with it devices are asked for one.'),
      requireCertificate: z.boolean().default(false).describe('Take no device without a certificate.'),
    })
    .optional()
    .describe('TLS for the broker’s port; absent: none.'),
})

const broker = z.strictObject({
  url: z.url({ protocol: /^mqtts?$/ }).describe('A broker that already stands on site: mqtt://host:port or mqtts://host:port.'),
  clientId: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Name of the session there, the same at every start; default: from the agent’s name.'),
  username: z.string().optional().describe('User name there.'),
  password: z.string().optional().describe('Password there; keep the file at mode 0600.'),
  caFile: z.string().min(1).optional().describe('CA of the broker’s certificate, PEM.'),
  topicPrefix: z.string().min(1).default('tributary/v1').describe('What stands before /<family>/<source> in its topics.'),
})

export const configSchema = z.strictObject({
  agent: name.describe('Name of this agent, unique in its region.'),
  region: name.describe('Name of the region it belongs to.'),
  tenant: name.default('default').describe('Tenant of everything it takes, unless a credential says otherwise.'),
  dataDir: z.string().min(1).describe('Folder for journal and outbox; made when missing. One agent only.'),
  identity: z.strictObject({
    keyFile: z
      .string()
      .min(1)
      .describe('Identity key, the same for all agents, hubs and the core of a tenant: `<kid>:<64 hex digits>`, mode 0600.'),
  }),
  hub: z
    .strictObject({
      natsUrl: z
        .string()
        .min(1)
        .default('nats://127.0.0.1:4222')
        .describe('The region’s NATS server; several, comma separated. tls:// where the link is encrypted.'),
      user: z.string().min(1).optional().describe('User name there; absent: none is sent.'),
      passwordFile: z
        .string()
        .min(1)
        .optional()
        .describe('File with the password, one line, mode 0600; read anew at every attempt to connect.'),
      caFile: z.string().min(1).optional().describe('CA of the server’s certificate, PEM; absent: those the system trusts.'),
      certFile: z.string().min(1).optional().describe('Certificate of this agent, PEM, where the server asks for one.'),
      keyFile: z.string().min(1).optional().describe('Private key of that certificate, PEM.'),
      consoleUrl: z
        .string()
        .regex(/^https?:\/\//)
        .optional()
        .describe('Address of the region’s console; only doctor asks there, whether this site’s cells are in the inventory.'),
    })
    .prefault({}),
  mqtt: mqtt.prefault({}),
  brokers: z.array(broker).default([]).describe('Brokers on site to subscribe to.'),
  netflow: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Take IPFIX and NetFlow v5 and v9 over UDP.'),
      host: loopback.describe('Address to listen on; loopback unless told otherwise.'),
      port: port.default(2055).describe('UDP port; 0 takes any free one.'),
      cell: z.string().default('').describe('Cell that flows are counted to when an exporter names none: MCC-MNC-identity.'),
      maxQueuedBytes: octets(65_536, 16 * mebibyte).describe(
        'Bytes of datagrams that may wait to be decoded; more is dropped and counted.',
      ),
    })
    .prefault({}),
  ndpi: z
    .array(
      z.strictObject({
        file: z.string().min(1).describe('nDPI’s CSV file; followed as it grows.'),
        cell: z.string().default('').describe('Cell its flows are counted to: MCC-MNC-identity.'),
        pollMs: whole(50, 60_000, 500).describe('Milliseconds between two looks at the file.'),
      }),
    )
    .default([])
    .describe('Files of nDPI to follow.'),
  journal: z
    .strictObject({
      quotaBytes: octets(mebibyte, 512 * mebibyte).describe(
        'Bytes of events that no outbox row covers yet; beyond it devices are not acknowledged.',
      ),
      segmentBytes: octets(65_536, 16 * mebibyte).describe('Bytes of one segment: what one bad sector can cost.'),
      ballastBytes: octets(0, 24 * mebibyte).describe('Bytes kept free for a full volume, so that what is delivered can still be deleted.'),
      maxWaitMs: whole(0, 1_000, 2).describe('Milliseconds a few messages wait for more, to share one write to disk.'),
    })
    .prefault({}),
  duplicates: z
    .strictObject({
      windowS: whole(0, 86_400, 600).describe('Seconds for which a repeated event_id is known.'),
      windowEvents: whole(0, 100_000_000, 1_000_000).describe('Events of the agent for which it is known, whichever is less.'),
    })
    .prefault({}),
  windows: z
    .strictObject({
      graceMs: whole(0, 5_000, 250).describe('Milliseconds after the end of a window before it is cut; later events make another part.'),
      batchRows: whole(10, 10_000, 1_000).describe('Rows of one batch.'),
    })
    .prefault({}),
  sightings: z
    .strictObject({
      subscribers: whole(1_024, 10_000_000, 131_072).describe(
        'Subscribers remembered; the one longest unheard is forgotten first. 52 B each.',
      ),
      keepAliveS: whole(10, 86_400, 900).describe('Seconds after which a subscriber is told of again although nothing changed.'),
      cutMs: whole(50, 10_000, 1_000).describe(
        'Milliseconds between two hand-overs of sightings, events and tallies; a moved device goes at once.',
      ),
    })
    .prefault({}),
  outbox: z
    .strictObject({
      quotaBytes: octets(mebibyte, 1_024 * mebibyte).describe(
        'Bytes on their way to the hub; beyond it waiting windows are merged, then given up.',
      ),
      ballastBytes: octets(0, 24 * mebibyte).describe('Bytes kept free for a full volume, so that the outbox can still drain.'),
      backfillAfterS: whole(1, 3_600, 60).describe('Seconds after which a waiting window goes in the backfill lane.'),
      maxFrameBytes: octets(16_384, 512 * 1_024).describe('Bytes of one batch on the link; a larger one is halved.'),
      deadLetterRows: whole(0, 100_000, 1_000).describe('Rejected events a second that are kept whole; more are only counted.'),
    })
    .prefault({}),
  uplink: z
    .strictObject({
      bytesPerSecond: whole(0, 2 ** 31, 0).describe('Bytes per second towards the hub. 0: no bound.'),
      maxInFlight: whole(1, 1_024, 32).describe('Batches sent and not yet answered.'),
      publishTimeoutMs: whole(500, 120_000, 10_000).describe('Milliseconds to wait for the server’s answer.'),
      stallS: whole(1, 3_600, 30).describe('Seconds a watermark may stand still below answered batches before they are sent again.'),
    })
    .prefault({}),
  admin: z
    .strictObject({
      host: loopback.describe('Address of /health, /ready, /metrics, /site, /tap and /replay.'),
      port: port.default(9101).describe('Port of /health, /ready, /metrics, /site, /tap and /replay; 0 takes any free one.'),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default('info').describe('Least level that is logged.') }).prefault({}),
})

export type AgentConfig = z.output<typeof configSchema>
