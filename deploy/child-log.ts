/** A child's log: a file it writes to itself (so that it never waits for the launcher), bounded by moving what is there aside now and then. */
import { closeSync, copyFileSync, fstatSync, mkdirSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'

const mostBytes = 8 * 2 ** 20

/** Opens the log for appending; the caller closes the descriptor after it has handed it to the child. */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a', 0o600)
}

/** Copies a log that has grown too large to `<path>.1` and empties it. The writer appends, so its next line starts the emptied file. */
export function boundLog(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size <= mostBytes) return
  copyFileSync(path, `${path}.1`)
  truncateSync(path)
}

export const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** What a child said last, in one line, from `from` on: of JSON lines the message, of a thrown error its sentence. */
export function lastWords(path: string, from = 0): string | undefined {
  const lines = tail(path, from)
    .split('\n')
    .map((line) => line.trim())
  const said = lines.map(sentenceOf).filter((line) => line !== undefined)
  return (said.findLast((line) => /error|cannot|fail|refused|invalid|not /i.test(line)) ?? said.at(-1))?.slice(0, 240)
}

function sentenceOf(line: string): string | undefined {
  if (line === '' || /^(at |Node\.js v|[{}^\]]|throw |requireStack|code:)/.test(line)) return parsed(line)
  return parsed(line) ?? line
}

function parsed(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const record: { msg?: unknown; message?: unknown; err?: { message?: unknown } } = JSON.parse(line)
    const parts = [record.msg ?? record.message, record.err?.message].filter((part) => typeof part === 'string' && part !== '')
    const [message, cause] = parts
    if (message === undefined) return undefined
    return cause === undefined || String(message).includes(String(cause)) ? String(message) : `${message}: ${cause}`
  } catch {
    return undefined
  }
}

function tail(path: string, from: number): string {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch {
    return ''
  }
  try {
    const { size } = fstatSync(descriptor)
    const start = Math.max(from > size ? 0 : from, size - 16_384)
    const bytes = Buffer.alloc(size - start)
    readSync(descriptor, bytes, 0, bytes.length, start)
    return bytes.toString('utf8')
  } finally {
    closeSync(descriptor)
  }
}
