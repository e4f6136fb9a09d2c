/**
 * The console's own files: the page at `/` and, under `/assets/`, script, style and land outline, gzipped beforehand. Names carry a hash of their
 * contents, so they never change; the page itself is asked for again each time (ETag). Reads only names that the build listed.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Hono } from 'hono'
import { unbuiltPage } from './api-page.ts'

interface Asset {
  readonly type: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly packed: Uint8Array<ArrayBuffer>
  readonly tag: string
}

interface Built {
  readonly builtMs: number
  readonly assets: ReadonlyMap<string, Asset>
}

/** No inline script and no inline style: what a page is made to show can never run. */
export const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'", 'data:', 'blob:'],
  fontSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
}

export function assetRoutes(dir: string, region: string): Hono {
  const app = new Hono()
  let built: Built | undefined
  const current = () => {
    built = reread(dir, built)
    return built
  }
  app.get('/', (c) => {
    const page = current()?.assets.get('page.html')
    if (page === undefined) return c.html(unbuiltPage(region), 200, { 'cache-control': 'no-store' })
    return answer(c.req.raw, page, 'no-cache')
  })
  app.get('/assets/:name', (c) => {
    const asset = current()?.assets.get(c.req.param('name'))
    return asset === undefined ? c.notFound() : answer(c.req.raw, asset, 'public, max-age=31536000, immutable')
  })
  return app
}

function answer(request: Request, { type, plain, packed, tag }: Asset, cacheControl: string): Response {
  const headers = { 'content-type': type, 'cache-control': cacheControl, etag: tag, vary: 'accept-encoding' }
  const asked = request.headers.get('if-none-match')
  if (asked?.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)) return new Response(null, { status: 304, headers })
  const isPacked = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
  return new Response(isPacked ? packed : plain, { headers: isPacked ? { ...headers, 'content-encoding': 'gzip' } : headers })
}

/** A build made while the hub runs is served at once. */
function reread(dir: string, before: Built | undefined): Built | undefined {
  const list = join(dir, 'built.json')
  if (!existsSync(list)) return undefined
  const builtMs = statSync(list).mtimeMs
  if (before?.builtMs === builtMs) return before
  const { files } = JSON.parse(readFileSync(list, 'utf8')) as { files: readonly { name: string; type: string }[] }
  const assets = files.map(({ name, type }): [string, Asset] => {
    const path = name === 'page.html' ? join(dir, name) : join(dir, 'assets', name)
    const plain = new Uint8Array(readFileSync(path))
    return [
      name,
      {
        type,
        plain,
        packed: new Uint8Array(readFileSync(`${path}.gz`)),
        tag: `"${createHash('sha256').update(plain).digest('hex').slice(0, 16)}"`,
      },
    ]
  })
  return { builtMs, assets: new Map(assets) }
}
