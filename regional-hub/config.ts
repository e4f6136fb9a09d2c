/**
 * Everything an operator sets for a hub: default, bounds, unit and a sentence each. Loaded once, from one YAML file and the environment.
 */
import { z } from 'zod'
import { namePattern } from '#shared/control.ts'
import { logLevels } from '#shared/log.ts'
import { detectionSchema } from './detection-config.ts'

const name = z.string().regex(namePattern)
const port = z.number().int().min(0).max(65535)
const mebibyte = 2 ** 20

export const configSchema = z.strictObject({
  region: name.describe('Name of the region; leads every topic and subject of it.'),
  tenant: name.default('default').describe('Tenant whose agents and keys these are.'),
  dataDir: z.string().min(1).describe('Folder for snapshot, spool and history; made when missing. One hub only.'),
  identity: z.strictObject({
    keyFile: z
      .string()
      .min(1)
      .describe('Identity key, the same for all agents, hubs and the core of a tenant: `<kid>:<64 hex digits>`, mode 0600.'),
  }),
  nats: z.strictObject({
    url: z.string().default('nats://127.0.0.1:4222').describe('The region’s NATS server; several, comma separated.'),
    inboxMaxBytes: z
      .number()
      .int()
      .min(mebibyte)
      .optional()
      .describe('Bytes the stream INBOX may hold of what is not yet taken; default 4 GiB.'),
  }),
  core: z.strictObject({ domain: name.default('core').describe('JetStream domain of the core’s NATS server.') }).prefault({}),
  api: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address the console and its API listen on.'),
      port: port.default(8080).describe('Port of the console and its API; 0 takes any free one.'),
    })
    .prefault({}),
  admin: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address of /health, /ready and /metrics.'),
      port: port.default(9102).describe('Port of /health, /ready and /metrics; 0 takes any free one.'),
    })
    .prefault({}),
  console: z
    .strictObject({ dir: z.string().min(1).optional().describe('Folder of the built console page; default: where the build puts it.') })
    .prefault({}),
  access: z
    .strictObject({
      mode: z
        .enum(['auto', 'open', 'accounts'])
        .default('auto')
        .describe(
          'Who may use the console. auto: everybody while it listens on loopback and there is no account yet; otherwise accounts. open: everybody, on loopback only. accounts: only who logs in.',
        ),
      usersFile: z
        .string()
        .min(1)
        .optional()
        .describe('File of the accounts, mode 0600; default: users.json in dataDir. Changed with `tributary-hub user`.'),
      idleMinutes: z.number().min(1).max(1440).default(30).describe('Minutes without a request after which a session ends.'),
      absoluteHours: z.number().min(0.1).max(168).default(12).describe('Hours after which a session ends in any case.'),
      hosts: z
        .array(z.string().min(1))
        .default([])
        .describe('Names by which browsers call this console, beside addresses and localhost; any other name is refused (DNS rebinding).'),
      isBehindTls: z.boolean().default(false).describe('Whether a TLS proxy stands before it: session cookies are then for TLS only.'),
    })
    .prefault({}),
  roster: z
    .array(name)
    .default([])
    .describe('Enrolled agents. Completeness is counted against them: a silent one stays in the denominator.'),
  cells: z
    .strictObject({
      file: z.string().optional().describe('Cell inventory: OpenCellID CSV, plain or .gz.'),
      files: z.array(z.string()).default([]).describe('Further inventories; a later one restates a cell of an earlier.'),
    })
    .prefault({}),
  snapshot: z
    .strictObject({
      intervalS: z
        .number()
        .min(0.1)
        .max(600)
        .default(5)
        .describe(
          'Seconds between snapshots; more when detection stands still for over a twentieth of that. Agents’ rows are freed at this pace.',
        ),
    })
    .prefault({}),
  spool: z
    .strictObject({
      quotaBytes: z
        .number()
        .int()
        .min(mebibyte)
        .default(8 * 1024 * mebibyte)
        .describe('Bytes that may wait for the trunk; beyond it the hub stops reading and the region’s stream holds.'),
      memoryBytes: z
        .number()
        .int()
        .min(65_536)
        .default(32 * mebibyte)
        .describe('Bytes of it kept in memory before they go to disk.'),
      maxInFlight: z.number().int().min(1).max(4096).default(64).describe('Batches on their way to the trunk at once.'),
    })
    .prefault({}),
  history: z
    .strictObject({
      days: z.number().int().min(1).max(365).default(7).describe('Days of the region’s own history; one file a day.'),
      positionsPerS: z
        .number()
        .int()
        .min(0)
        .default(500)
        .describe('Positions kept a second for tracks; more are left out and counted. The core has them all.'),
      replayPositionsPerS: z.number().int().min(0).default(100).describe('Positions a second shown live and kept for replay.'),
    })
    .prefault({}),
  detection: detectionSchema.prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default('info').describe('Least important lines that are written.') }).prefault({}),
})

export type HubConfig = z.infer<typeof configSchema>
