/** The core's settings: one schema, from which the file is checked and the reference table is made. */
import { z } from 'zod'
import { namePattern } from '#shared/control.ts'
import { logLevels } from '#shared/log.ts'

const port = (fallback: number, meaning: string) => z.int().min(0).max(65535).default(fallback).describe(`${meaning}; 0 takes any free one`)
const loopback = (meaning: string) => z.string().min(1).default('127.0.0.1').describe(meaning)

export const configSchema = z.strictObject({
  tenant: z.string().regex(namePattern).default('default').describe('the operator whose identity key this core holds'),
  dataDir: z.string().min(1).default('./data/core').describe('where history, claims and keys are stored'),
  identity: z.strictObject({
    keyFile: z
      .string()
      .min(1)
      .describe('the tenant’s identity key, one line `<kid>:<64 hex digits>`, the same for all its agents and hubs'),
  }),
  nats: z
    .strictObject({
      url: z.string().min(1).default('nats://127.0.0.1:4222').describe('the core’s own NATS server, with JetStream domain `core`'),
    })
    .prefault({}),
  api: z
    .strictObject({
      host: loopback('address the API listens on'),
      port: port(8090, 'port of the API'),
      requestsPerMinute: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(6_000)
        .describe('requests an API key may make in a minute')
        .meta({ unit: 'requests/min' }),
      minPerTile: z
        .int()
        .min(20)
        .max(10_000)
        .default(20)
        .describe('population: fewest people of whom a tile tells anything')
        .meta({ unit: 'people' }),
    })
    .prefault({}),
  camara: z
    .strictObject({
      notApplicablePrefixes: z
        .array(z.string().regex(/^\+[1-9]\d{0,14}$/))
        .default([])
        .describe(
          'number ranges that the swap and location services are not offered for (machines, wholesale): they answer SERVICE_NOT_APPLICABLE',
        ),
    })
    .prefault({}),
  retention: z
    .strictObject({
      hours: z
        .int()
        .min(1)
        .max(87_600)
        .default(2_400)
        .describe('how long rows are kept, from their arrival at the core; also the monitored period of the swap services')
        .meta({ unit: 'h' }),
    })
    .prefault({}),
  admin: z
    .strictObject({ host: loopback('address of /health, /ready and /metrics'), port: port(9103, 'port of the admin server') })
    .prefault({}),
  log: z.strictObject({ level: z.enum(logLevels).default('info').describe('the least that is logged') }).prefault({}),
})

export type CoreConfig = z.output<typeof configSchema>
