export function SitesView() {
  return <p class="empty">…</p>
}
