/**
 * A screen that is painted anew every second (`top`): on a terminal over the whole of it until q or Ctrl-C, elsewhere, or when asked to, once.
 * Whatever ends it, the terminal is given back as it was.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface LiveOptions {
  readonly everyMs: number
  readonly once: boolean
  /** The lines now. An error ends the screen. */
  readonly paint: () => Promise<readonly string[]>
}

export async function liveScreen({ everyMs, once, paint }: LiveOptions): Promise<void> {
  const { stdin, stdout } = process
  if (once || stdout.isTTY !== true) {
    stdout.write(`${(await paint()).join('\n')}\n`)
    return
  }
  const ended = new AbortController()
  const onKey = (key: Buffer) => {
    if (key[0] === 0x71 || key[0] === 0x03 || key[0] === 0x1b) ended.abort()
  }
  const onSignal = () => ended.abort()
  const raw = stdin.isTTY === true
  if (raw) stdin.setRawMode(true)
  stdin.on('data', onKey).resume()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  stdout.write('\u001b[?1049h\u001b[?25l')
  try {
    while (!ended.signal.aborted) {
      const lines = await paint()
      const fitting = lines.slice(0, Math.max(1, (stdout.rows ?? 24) - 2))
      stdout.write(`\u001b[H${[...fitting, '', 'q to leave'].map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`)
      await sleep(everyMs, undefined, { signal: ended.signal }).catch(() => {}) // a key ends the wait
    }
  } finally {
    stdout.write('\u001b[?25h\u001b[?1049l')
    if (raw) stdin.setRawMode(false)
    stdin.off('data', onKey).pause()
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
