export function LookupView() {
  return <p class="empty">…</p>
}
