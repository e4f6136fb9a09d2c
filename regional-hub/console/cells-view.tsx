export function CellsView() {
  return <p class="empty">…</p>
}
