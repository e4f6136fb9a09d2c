/**
 * Logs are JSON lines on stderr, one per event of the service (never one per event of a subscriber), written synchronously: what was
 * logged before an exit is there. No payload and no identity of a person ever stands in a line: fields that could hold one are removed
 * by name, and a run of 14 to 16 digits (an IMSI, IMEI or IMEISV that slipped into a message) is masked before it leaves.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type { Logger } from 'pino'
export const logLevels = ['error', 'warn', 'info', 'debug', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

const neverLogged = [
  'imsi',
  'msisdn',
  'imei',
  'phoneNumber',
  'phone_number',
  'payload',
  'body',
  'authorization',
  'apiKey',
  'password',
  'token',
]

export interface LogOptions {
  readonly service: string
  /** Which instance: an agent's or region's name. */
  readonly name?: string
  readonly level: LogLevel
  /** Where lines go; stderr unless a test wants them. */
  readonly stream?: DestinationStream
}

export function createLog(options: LogOptions): Logger {
  return pino(
    {
      level: options.level,
      base: options.name === undefined ? { service: options.service } : { service: options.service, name: options.name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: neverLogged.flatMap((name) => [name, `*.${name}`]), censor: '[never logged]' },
      hooks: { streamWrite: maskIdentities },
    },
    options.stream ?? stderr(),
  )
}

function stderr(): DestinationStream {
  const stream = destination({ dest: 2, sync: true })
  stream.on('error', () => {}) // the reader of our stderr is gone (the launcher died): there is nobody left to tell
  return stream
}

/** A number that stands as a JSON value (after `":`, `[` or `,`) is a count, not text, and stays. */
function maskIdentities(line: string): string {
  return line.replace(/(?<![\w.])(?<!(?<!\\)":)\d{14,16}(?![\w.])/g, '[masked]')
}
