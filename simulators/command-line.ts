/** What the commands' options have in common: numbers with a sentence when they are none, options that may be repeated, lists. */
import { nearest } from '#shared/nearest-name.ts'

export class UsageError extends Error {}

/** A mistyped option would be ignored without a word, and the run would not be the one that was asked for. */
export function refuseUnknown(rawArgs: readonly string[], command: { readonly args?: unknown }): void {
  const known = [...Object.keys(command.args ?? {}), 'help']
  for (const word of rawArgs) {
    const name = /^--(?:no-)?([^=]+)/.exec(word)?.[1]
    if (name === undefined || known.includes(name)) continue
    const meant = nearest(name, known)
    throw new UsageError(`--${name}: no such option${meant === undefined ? '' : `; did you mean --${meant}?`}`)
  }
}

export function numberOption(name: string, value: string | undefined, bounds: { min: number; whole?: boolean }): number | undefined {
  if (value === undefined) return undefined
  const number = Number(value)
  if (value === '' || !Number.isFinite(number) || number < bounds.min || (bounds.whole && !Number.isInteger(number))) {
    throw new UsageError(`--${name} ${value}: expected a ${bounds.whole ? 'whole ' : ''}number of at least ${bounds.min}`)
  }
  return number
}

/** All values of an option that may be given more than once (citty keeps the last only). */
export function repeatedOption(rawArgs: readonly string[], name: string): string[] {
  return rawArgs.flatMap((word, at) => {
    if (word === `--${name}`) return rawArgs[at + 1] ?? []
    return word.startsWith(`--${name}=`) ? word.slice(name.length + 3) : []
  })
}

/** `region=north,mqtt=mqtt://…[,mqtt=…]` */
export function parseTarget(text: string): { region: string; mqtt: string[] } {
  let region = ''
  const mqtt: string[] = []
  for (const part of text.split(',')) {
    const [, key, value] = /^(region|mqtt)=(.+)$/.exec(part.trim()) ?? []
    if (key === 'region') region = value!
    else if (key === 'mqtt') mqtt.push(value!)
    else throw new UsageError(`--target ${text}: expected region=NAME,mqtt=URL[,mqtt=URL], not ${part}`)
  }
  if (region === '' || mqtt.length === 0) throw new UsageError(`--target ${text}: needs a region and at least one mqtt URL`)
  return { region, mqtt }
}

/** `mqtt=URL` or the URL alone. */
export function parseReplayTarget(text: string): string {
  const url = text.replace(/^mqtt=/, '')
  if (!/^mqtts?:\/\//.test(url)) throw new UsageError(`--target ${text}: expected mqtt=mqtt://HOST:PORT`)
  return url
}

export function listOption(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
