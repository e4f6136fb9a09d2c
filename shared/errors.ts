/**
 * Every error the house throws on purpose, in one table: what happened in a sentence, what its reader should do, and what the program
 * does with it. Bad input is no error (it is a rejection, counted); these are for what a person or a retry must mend.
 *
 * retry: the same call may succeed later · reject: this request can never succeed, others can · stop: nothing can go on until a person acted
 */
export type Disposition = 'retry' | 'reject' | 'stop'

export const errorTable = {
  'config-unreadable': {
    sentence: 'The configuration file cannot be read.',
    remedy: 'Check the path given with --config and that this user may read it.',
    disposition: 'stop',
  },
  'config-invalid': {
    sentence: 'The configuration is not valid.',
    remedy: 'Correct every line listed and start again; docs/ has the settings of each service.',
    disposition: 'stop',
  },
  'port-taken': {
    sentence: 'A port is already in use.',
    remedy: 'Stop the other program, or choose another port with the option named.',
    disposition: 'stop',
  },
  'port-refused': {
    sentence: 'The system does not let this user listen there.',
    remedy: 'Use an address of this machine and a port from 1024 on.',
    disposition: 'stop',
  },
  'key-file': {
    sentence: 'The identity key file cannot be used.',
    remedy: 'It holds one line `<kid>:<64 hex digits>`, mode 0600, the same for all agents, hubs and the core of a tenant.',
    disposition: 'stop',
  },
  'node-version': {
    sentence: 'This version of Node cannot run Tributary.',
    remedy: 'Start it with npm (npm start), which brings Node 24 along, or install Node 22 or newer.',
    disposition: 'stop',
  },
  'nats-missing': {
    sentence: 'No nats-server program was found.',
    remedy: 'Install nats-server 2.14.5 or set TRIBUTARY_NATS_SERVER to its path.',
    disposition: 'stop',
  },
  'nats-version': {
    sentence: 'The NATS server is too old to be trusted with events.',
    remedy: 'Run nats-server 2.14.5 (at least 2.14.3, or 2.12.12 of the 2.12 line).',
    disposition: 'stop',
  },
  'nats-unreachable': {
    sentence: 'The NATS server does not answer.',
    remedy: 'Nothing is lost; it is tried again until it answers. Check the address and the network.',
    disposition: 'retry',
  },
  'nats-stream': {
    sentence: 'A JetStream stream cannot be set up as needed.',
    remedy: 'Check the server’s JetStream limits and that nobody else made a stream over the same subjects.',
    disposition: 'stop',
  },
  'disk-full': {
    sentence: 'The store has no room left.',
    remedy: 'Nothing accepted was lost. Free space on the volume or raise the quota; it goes on by itself once there is room.',
    disposition: 'retry',
  },
  'store-failed': {
    sentence: 'The disk or the database on it failed.',
    remedy: 'Nothing is acknowledged until the store was reopened and checked. If it happens again, replace the disk.',
    disposition: 'stop',
  },
  'store-unsafe': {
    sentence: 'The database does not keep what it is told to keep.',
    remedy: 'Use the better-sqlite3 release pinned in package.json and a local file system.',
    disposition: 'stop',
  },
  'data-dir': {
    sentence: 'The data directory cannot be used.',
    remedy: 'Create it, give this user write permission, and let no other process use it.',
    disposition: 'stop',
  },
  'stale-epoch': {
    sentence: 'Another instance has taken over.',
    remedy: 'Run one instance per region or agent; this one ends so that nothing is written twice.',
    disposition: 'stop',
  },
  'input-invalid': {
    sentence: 'The request is not valid.',
    remedy: 'Correct what the message names.',
    disposition: 'reject',
  },
  'cell-inventory': {
    sentence: 'The cell inventory cannot be used.',
    remedy: 'It is a CSV file (plain or .gz) with the columns of OpenCellID; correct the line named.',
    disposition: 'stop',
  },
  'service-silent': {
    sentence: 'The service does not answer.',
    remedy: 'Start it, or correct admin.port in the settings file named with --config; doctor tells more.',
    disposition: 'retry',
  },
  'start-failed': {
    sentence: 'It could not be started.',
    remedy: 'The message says why.',
    disposition: 'stop',
  },
} as const satisfies Readonly<Record<string, { sentence: string; remedy: string; disposition: Disposition }>>

export type ErrorCode = keyof typeof errorTable

export class TributaryError extends Error {
  readonly code: ErrorCode

  /** `detail` says what, where and why; sentence and remedy come from the table. */
  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    const { sentence, remedy } = errorTable[code]
    super(detail === '' ? `${sentence} ${remedy}` : `${sentence.slice(0, -1)}: ${detail.replace(/[.\s]*$/, '.')} ${remedy}`, options)
    this.name = 'TributaryError'
    this.code = code
  }

  get disposition(): Disposition {
    return errorTable[this.code].disposition
  }
}

/** The store has no room: nothing of the refused write is stored, everything before it is. */
export class DiskFull extends TributaryError {
  constructor(detail: string, options?: ErrorOptions) {
    super('disk-full', detail, options)
    this.name = 'DiskFull'
  }
}

/** The store can no longer be trusted: acknowledge nothing until it was closed, reopened and checked. */
export class StoreFailed extends TributaryError {
  constructor(detail: string, options?: ErrorOptions) {
    super('store-failed', detail, options)
    this.name = 'StoreFailed'
  }
}

/** Throws the error of that code. */
export function fail(code: ErrorCode, detail = '', options?: ErrorOptions): never {
  throw new TributaryError(code, detail, options)
}

/** The first error of that code in a chain of causes. */
export function findError(error: unknown, code: ErrorCode): TributaryError | undefined {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof TributaryError && one.code === code) return one
  }
  return undefined
}

/** An error and its causes in one line, for an operator. */
export function describeError(error: unknown): string {
  const words: string[] = []
  for (let one: unknown = error; one !== undefined && one !== null; one = one instanceof Error ? one.cause : undefined) {
    const message = one instanceof Error ? one.message || one.name : String(one)
    if (!words.some((word) => word.includes(message))) words.push(message)
  }
  return words.join(' Cause: ')
}
