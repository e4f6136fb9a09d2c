/** The one way the page asks the hub: JSON in and out, a refusal as an error with the hub's own words. */
import type { Problem } from '../console-api.ts'

export class Refusal extends Error {
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}

export async function ask<T>(path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST', signal?: AbortSignal): Promise<T> {
  const response = await fetch(path, {
    method,
    ...(signal && { signal }),
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (response.status === 204) return undefined as T
  if (response.ok) return (await response.json()) as T
  throw await refusal(response)
}

export async function askOctets(path: string): Promise<ArrayBuffer> {
  const response = await fetch(path)
  if (!response.ok) throw await refusal(response)
  return response.arrayBuffer()
}

async function refusal(response: Response): Promise<Refusal> {
  const told = (await response.json().catch(() => ({}))) as Partial<Problem>
  const words = [told.title ?? `The hub answered ${response.status}.`, told.detail, told.need && `This needs the role ${told.need}.`]
  return new Refusal(response.status, words.filter(Boolean).join(' '))
}

export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}
