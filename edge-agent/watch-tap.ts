/** Follows a running agent's `/tap`: the lines of its event stream, at most `limit`. */
import { fail } from '#shared/errors.ts'

export async function* followTap(adminUrl: string, family: string | undefined, limit: number): AsyncGenerator<string> {
  const abort = new AbortController()
  try {
    const response = await openTap(`${adminUrl}/tap${family === undefined ? '' : `?family=${family}`}`, abort.signal)
    let rest = ''
    let lines = 0
    for await (const chunk of response.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        if (!block.startsWith('data: ')) continue
        yield block.slice('data: '.length)
        if (++lines >= limit) return
      }
    }
  } finally {
    abort.abort()
  }
}

async function openTap(url: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  try {
    const response = await fetch(url, { signal })
    if (response.ok && response.body !== null) return response.body
    return fail('start-failed', `${url} answered with status ${response.status}`)
  } catch (cause) {
    return fail('service-silent', `no agent at ${url}`, { cause })
  }
}
