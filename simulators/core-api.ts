/** What the scorers ask of the core's API: whole lists, page by page. */

export interface CoreApi {
  readonly url: string
  readonly key: string
}

/** `ask` makes the request of one page from the cursor of the last. */
export async function readPages<T>(
  api: CoreApi,
  path: string,
  ask: (cursor: string | undefined) => { query?: URLSearchParams; body?: object },
) {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const { query, body } = ask(cursor)
    const response = await fetch(`${api.url}${path}${query === undefined ? '' : `?${query}`}`, {
      headers: { authorization: `Bearer ${api.key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    if (!response.ok) throw new Error(`${api.url}${path} answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
    const page = (await response.json()) as { items: T[]; next?: string | null }
    items.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return items
}

export function readAlerts<T>(api: CoreApi, fromMs: number, toMs: number): Promise<T[]> {
  return readPages<T>(api, '/v1/alerts', (cursor) => {
    const query = new URLSearchParams({ ...rangeOf(fromMs, toMs), limit: '500' })
    if (cursor !== undefined) query.set('cursor', cursor)
    return { query }
  })
}

export function readTrack<T>(api: CoreApi, phoneNumber: string, fromMs: number, toMs: number): Promise<T[]> {
  return readPages<T>(api, '/v1/subscribers/track', (cursor) => ({ body: { phoneNumber, ...rangeOf(fromMs, toMs), limit: 500, cursor } }))
}

function rangeOf(fromMs: number, toMs: number): { from: string; to: string } {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
}
