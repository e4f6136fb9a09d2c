/** The page at `/` while the console is not built: what this is, how to make it, and what can be asked all the same. One document, no script. */

const addresses: readonly (readonly [path: string, about: string])[] = [
  ['/api/status', 'the hub: epoch, state, what waits for the core'],
  ['/api/agents', 'last seen, completeness, gaps, backlog by lane, counts (from, to)'],
  ['/api/alerts', 'newest first (from, to, type, severity, status, limit, cursor); PATCH /api/alerts/{id} to acknowledge, snooze, close'],
  ['/api/subscribers', 'in motion: pseudonym, position with radius, motion, cell'],
  ['/api/subscribers/{pseudonym}/track', 'positions of the last days (from, to)'],
  ['/api/cells', 'the inventory with the latest window of each (box, limit)'],
  ['/api/sites', 'cells at one place'],
  ['/api/unknown-cells', 'heard of, but in no inventory'],
  ['/api/kpis', 'over time (from, to, bucket=10s…1d, cell, groupBy=cell)'],
  ['/api/applications', 'DPI usage over time (from, to, bucket, application, protocol, cell, groupBy)'],
  ['/api/fences', 'fences in force'],
  ['/api/stream', 'server-sent events; resumes with Last-Event-ID'],
  ['/api/replay', 'the same messages of a time that is over (from, to)'],
]

export function unbuiltPage(region: string): string {
  const rows = addresses.map(([path, about]) => {
    const name = path.includes('{') ? path : `<a href="${path}">${path}</a>`
    return `<tr><td><code>${name}</code></td><td>${about}</td></tr>`
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Tributary: ${region}</title></head>
<body><h1>Region ${region}</h1>
<p>The console is not built. In the project’s folder, run <code>node deploy/build-console.ts</code> (<code>npm start</code> does it by itself), then load this page again.
The hub works without it; this is what can be asked:</p>
<table>${rows.join('\n')}</table>
</body></html>`
}
