export function IncidentsView() {
  return <p class="empty">…</p>
}
