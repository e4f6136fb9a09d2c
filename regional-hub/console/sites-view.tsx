/** Agents of the sites: who is heard, what waits there and how old it is, how complete all is; and for one of them, what it lost. */
import type { AgentItem, AgentsAnswer } from '../console-api.ts'
import { AgentPanel } from './agent-panel.tsx'
import { useAnswer } from './answer.ts'
import { useConsole } from './console-model.ts'
import { FindField } from './find-field.tsx'
import { selection } from './place.ts'
import { type Column, SortedTable } from './sorted-table.tsx'
import { ago, count } from './words.ts'

interface AgentRow {
  readonly id: string
  readonly agent: AgentItem
}

const waiting = ({ agent }: AgentRow) => agent.backlog.reduce((sum, { batches }) => sum + batches, 0)
const sum = ({ agent }: AgentRow, what: 'accepted' | 'rejected' | 'lost') => agent.counts.reduce((all, counts) => all + counts[what], 0)

function stateOf({ agent }: AgentRow): string {
  if (agent.isSilent) return agent.enrolled ? '▲ silent' : 'silent'
  if (agent.missing > 0) return '◆ has gaps'
  return agent.isComplete ? '● complete' : '○ catching up'
}

export function SitesView() {
  const console = useConsole()
  const { answer, words } = useAnswer<AgentsAnswer>('/api/agents', 2_000).value
  const { kind, id } = selection(console.place.value)
  const now = console.nowMs.value
  if (answer === null) return <p class="page empty">{words === '' ? 'Asking the hub…' : words}</p>
  const find = console.place.value.find.toLowerCase()
  const rows = answer.items
    .filter(({ agent }) => agent.toLowerCase().includes(find))
    .map((agent): AgentRow => ({ id: `agent:${agent.agent}`, agent }))
  const columns: readonly Column<AgentRow>[] = [
    { name: 'Agent', cell: ({ agent }) => agent.agent, value: ({ agent }) => agent.agent },
    {
      name: 'State',
      cell: (row) => <span class={row.agent.isSilent || row.agent.missing > 0 ? 'warns' : ''}>{stateOf(row)}</span>,
      value: (row) => stateOf(row),
    },
    { name: 'Last seen', cell: ({ agent }) => ago(agent.lastSeenMs, now), value: ({ agent }) => agent.lastSeenMs ?? 0, isNumber: true },
    {
      name: 'Complete to',
      cell: ({ agent }) => ago(agent.completeThroughMs, now),
      value: ({ agent }) => agent.completeThroughMs ?? 0,
      isNumber: true,
    },
    { name: 'Waiting there', cell: (row) => `${count(waiting(row))} batches`, value: waiting, isNumber: true },
    { name: 'Missing here', cell: ({ agent }) => count(agent.missing), value: ({ agent }) => agent.missing, isNumber: true },
    { name: 'Accepted, 1 h', cell: (row) => count(sum(row, 'accepted')), value: (row) => sum(row, 'accepted'), isNumber: true },
    { name: 'Rejected', cell: (row) => count(sum(row, 'rejected')), value: (row) => sum(row, 'rejected'), isNumber: true },
    { name: 'Lost', cell: (row) => count(sum(row, 'lost')), value: (row) => sum(row, 'lost'), isNumber: true },
  ]
  return (
    <div class={kind === 'agent' ? 'split has-selected' : 'split'}>
      <section class="pane list" aria-label="Agents">
        <div class="filter">
          <FindField words="Agent…" />
          <span class="hint">
            {Math.round(answer.completeness * 100)} % of enrolled agents complete
            {answer.silent.length > 0 && <span class="warns"> · silent: {answer.silent.join(', ')}</span>}
          </span>
        </div>
        <SortedTable
          columns={columns}
          rows={rows}
          firstSort={1}
          empty="No agent has been heard yet. Enrol one with tributary-agent init, and it appears here by itself."
        />
      </section>
      {kind === 'agent' ? (
        <AgentPanel key={id} name={id} />
      ) : (
        <section class="pane detail">
          <p class="empty">Choose an agent to see its lanes, its machine, and what its site lost.</p>
        </section>
      )}
    </div>
  )
}
