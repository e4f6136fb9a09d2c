/**
 * An incident as one HTML file: its data inlined, and the console's own page around it where that is built; a plain report, without script, in any
 * case inside. The file asks nothing of anybody: its policy forbids every connection.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IncidentFile } from './console-api.ts'

export function incidentPage(file: IncidentFile, consoleDir: string): string {
  const { scripts, styles } = builtPage(consoleDir)
  const hashes = (texts: readonly string[]) =>
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ') || `'none'`
  const ownStyle = reportStyle
  const policy = `default-src 'none'; script-src ${hashes(scripts)}; style-src ${hashes([ownStyle, ...styles])}; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(file.incident.name)} – Tributary ${escaped(file.region)}</title>
<style>${ownStyle}</style>${styles.map((style) => `<style>${style}</style>`).join('')}
</head><body><div id="app">${report(file)}</div>
<script type="application/json" id="tributary-incident">${inScript(JSON.stringify(file))}</script>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body></html>
`
}

/** Nothing in the data can end the element it stands in, or begin a comment. */
export function inScript(json: string): string {
  return json
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029')
}

const reportStyle = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}#app>.report{max-width:70rem;margin:2rem auto;padding:0 1rem}.report table{border-collapse:collapse;width:100%}.report td,.report th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top;border-bottom:1px solid #8884}.report td{font-variant-numeric:tabular-nums}`

function report({ incident, alerts, agents, exportedMs, exportedBy, region, isCut, messages }: IncidentFile): string {
  const rows = alerts.map(({ timeMs, severity, type, status, cell, subscriber, history }) => {
    const words = history.map(
      ({ status, by, reason, ticket, atMs }) => `${time(atMs)} ${status} by ${by}: ${reason}${ticket ? ` (${ticket})` : ''}`,
    )
    return `<tr><td>${time(timeMs)}</td><td>${escaped(severity)}</td><td>${escaped(type)}</td><td>${escaped(status)}</td><td>${escaped(cell)}</td><td>${escaped(subscriber)}</td><td>${words.map(escaped).join('<br>')}</td></tr>`
  })
  const silent = agents.map(
    ({ agent, lastSeenMs, missing }) =>
      `<tr><td>${escaped(agent)}</td><td>${lastSeenMs === null ? 'never' : time(lastSeenMs)}</td><td>${missing}</td></tr>`,
  )
  const notes = incident.notes.map(({ atMs, by, words }) => `<p><b>${time(atMs)}, ${escaped(by)}:</b> ${escaped(words)}</p>`)
  return `<main class="report"><h1>${escaped(incident.name)}</h1>
<p>Region ${escaped(region)}, ${time(incident.fromMs)} to ${time(incident.toMs)}. Exported ${time(exportedMs)} by ${escaped(exportedBy)}. ${messages.length} messages inside${isCut ? ', the first of more' : ''}. People are pseudonyms; times are UTC.</p>
<h2>Notes</h2>${notes.join('') || '<p>None.</p>'}
<h2>Alerts</h2><table><tr><th>When</th><th>Severity</th><th>Type</th><th>Status</th><th>Cell</th><th>Subscriber</th><th>What was done</th></tr>${rows.join('')}</table>
<h2>Agents when it was exported</h2><table><tr><th>Agent</th><th>Last heard</th><th>Batches missing</th></tr>${silent.join('')}</table></main>`
}

/**
 * The built console's own script for such files (`incident-<hash>.js`, one file without imports: chunks cannot be fetched here) and the page's style; nothing
 * where there is none.
 */
function builtPage(dir: string): { readonly scripts: readonly string[]; readonly styles: readonly string[] } {
  const assets = join(dir, 'assets')
  if (!existsSync(join(dir, 'built.json')) || !existsSync(assets)) return { scripts: [], styles: [] }
  const read = (pattern: RegExp) =>
    readdirSync(assets)
      .filter((name) => pattern.test(name))
      .map((name) => readFileSync(join(assets, name), 'utf8'))
  const scripts = read(/^incident[-.].*\.js$/)
  // A script that says "</script" in a text would end the element it stands in.
  return { scripts: scripts.map((text) => text.replace(/<\/(script)/gi, '<\\/$1')), styles: scripts.length === 0 ? [] : read(/\.css$/) }
}

function time(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').slice(0, 19)
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
