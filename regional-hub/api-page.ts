/** The plain page at `/`: what this is, where its API is, and a few counts that follow the stream. One document, nothing fetched from elsewhere. */

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

export function frontPage(region: string): string {
  const rows = addresses.map(([path, about]) => {
    const name = path.includes('{') ? path : `<a href="${path}">${path}</a>`
    return `<tr><td><code>${name}</code></td><td>${about}</td></tr>`
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tributary – ${region}</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
td { padding: .15rem 1rem .15rem 0; vertical-align: top }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem } dd { margin: 0; font-variant-numeric: tabular-nums }
</style></head>
<body><h1>Region ${region}</h1>
<p>This is the regional hub of Tributary: it takes what the agents of its sites send, finds where subscribers are and how SIMs move, and passes everything to the core.</p>
<h2>Now</h2>
<dl id="now" aria-live="off"><dt>Stream</dt><dd id="link">connecting…</dd></dl>
<h2>What can be asked</h2>
<table>${rows.join('\n')}</table>
<script>
const now = document.getElementById('now'), link = document.getElementById('link'), shown = new Map()
const show = (name, value) => {
  if (!shown.has(name)) {
    const term = document.createElement('dt'), detail = document.createElement('dd')
    term.textContent = name
    now.append(term, detail)
    shown.set(name, detail)
  }
  shown.get(name).textContent = value
}
const refresh = async () => {
  try {
    const status = await (await fetch('/api/status')).json()
    show('Subscribers known', status.subscribers.toLocaleString())
    show('Rows taken', status.rowsTaken.toLocaleString())
    show('Open alerts', Object.entries(status.openAlerts).map(([severity, count]) => count + ' ' + severity).join(', ') || 'none')
    show('Batches waiting for the core', status.trunk.waitingBatches.toLocaleString())
    show('Complete through', status.watermarkMs === null ? 'nothing yet' : new Date(status.watermarkMs).toISOString())
  } catch { show('Status', 'no answer') }
}
const stream = new EventSource('/api/stream')
stream.onopen = () => { link.textContent = 'live' }
stream.onerror = () => { link.textContent = 'cut; trying again' }
stream.addEventListener('agents', (event) => {
  const { agents } = JSON.parse(event.data)
  show('Agents', agents.map((one) => one.agent + (Date.now() - one.lastSeenMs < 15000 ? '' : ' (silent)')).join(', ') || 'none yet')
})
refresh(); setInterval(refresh, 2000)
</script></body></html>`
}
