/**
 * `/openapi.json`, made from the schemas that validate; `/docs`, a page that shows it with Swagger UI from the installed package: nothing is
 * asked of another host, and the page's policy forbids it. Also `/health` and `/metrics`. All open to this machine, elsewhere with a key.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { openOnLoopback } from './api-access.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { ApiProblem } from './api-problems.ts'

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Tributary API</title><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
`
const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', validatorUrl: null, deepLinking: true })\n`
const assets: Readonly<Record<string, string>> = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' }
/** Swagger UI sets styles by script and shows its icons from data: URLs. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function docRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const open = openOnLoopback(deps)
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', { type: 'http', scheme: 'bearer', description: 'an API key, trb_…' })

  app.get('/openapi.json', open, (c) => c.json(openApiDocument(app)))

  app.get('/docs', open, (c) => c.html(page, 200, { 'content-security-policy': policy }))
  app.get('/docs/start.js', open, (c) => c.body(start, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  app.get('/docs/:asset', open, (c) => {
    const asset = c.req.param('asset')
    const type = assets[asset]
    if (type === undefined) throw new ApiProblem('not-found', 'there is no such file')
    return c.body(readFileSync(join(assetFolder(), asset), 'utf8'), 200, {
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'max-age=3600',
    })
  })

  app.get('/health', open, (c) => {
    const health = deps.health()
    return c.json(health, health.status === 'failed' ? 503 : 200)
  })
  app.get('/metrics', open, async (c) => c.body(await deps.metrics.text(), 200, { 'content-type': deps.metrics.contentType }))
}

export function openApiDocument(app: OpenAPIHono<ApiEnv>) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tributary core API',
      version: '1.0.0',
      description:
        'Where, when, how many, what changed. Every list says how complete it is. Phone numbers travel in bodies only and are never stored.',
    },
    security: [{ apiKey: [] }],
  })
}

function assetFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
}
