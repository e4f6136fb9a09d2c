/** Waits for the first alert of this start, as anybody would: by asking the core's API. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface FirstAlert {
  readonly type: string
  readonly severity: string
  readonly region: string
  readonly time: string
  readonly detectedAt?: string
}

const askEveryMs = 1000

/** Resolves with the earliest alert at or after `from`; undefined when the signal aborts first. */
export async function firstAlert(apiUrl: string, apiKey: string, from: Date, signal: AbortSignal): Promise<FirstAlert | undefined> {
  const url = `${apiUrl}/v1/alerts?limit=100&from=${from.toISOString()}&to=${new Date(from.getTime() + 24 * 3_600_000).toISOString()}`
  while (!signal.aborted) {
    const alert = await ask(url, apiKey, signal).catch(() => undefined)
    if (alert) return alert
    await sleep(askEveryMs, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

async function ask(url: string, apiKey: string, signal: AbortSignal): Promise<FirstAlert | undefined> {
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${apiKey}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]),
  })
  if (!response.ok) return undefined
  const page = (await response.json()) as { items?: FirstAlert[] }
  // Newest first: the last of the page is the first that came.
  return page.items?.at(-1)
}
