/** What people at the console need beside the region's history: the desk, the audit log, accounts and sessions, the fences' way to the core. */
import { mkdirSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { fail } from '#shared/errors.ts'
import { hexToWords, type Pseudonymiser } from '#shared/pseudonym.ts'
import { Accounts } from './accounts.ts'
import { SqliteAudit } from './adapters/sqlite-audit.ts'
import { SqliteDesk } from './adapters/sqlite-desk.ts'
import type { Access, Actor } from './api-access.ts'
import type { HubConfig } from './config.ts'
import { FenceDesk } from './fence-desk.ts'
import type { HubPipeline } from './pipeline.ts'
import { LoginBrake, Sessions } from './sessions.ts'
import { AgentWatch } from './watch-agents.ts'

export interface DeskDeps {
  readonly nowMs: () => number
  readonly pseudonyms: Pick<Pseudonymiser, 'text'>
  readonly pipeline: () => HubPipeline
}

export interface OpenDesk {
  readonly desk: SqliteDesk
  readonly audit: SqliteAudit
  readonly access: Access
  readonly watch: AgentWatch
  readonly fences: FenceDesk
  noteChange(actor: Actor | undefined, by: string, action: string, subject: string, reason?: string, ticket?: string): void
  close(): void
}

export function accountsFile({ dataDir, access }: HubConfig): string {
  return access.usersFile ?? join(dataDir, 'users.json')
}

export function openDesk(config: HubConfig, { nowMs, pseudonyms, pipeline }: DeskDeps): OpenDesk {
  const { region, dataDir, access: settings, api } = config
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const isLoopback = api.host === 'localhost' || api.host === '::1' || (isIP(api.host) === 4 && api.host.startsWith('127.'))
  if (settings.mode === 'open' && !isLoopback) {
    fail('config-invalid', `access.mode open is for loopback; the console listens on ${api.host}. Use accounts: tributary-hub user add`)
  }
  const desk = new SqliteDesk(join(dataDir, 'desk.db'))
  const audit = new SqliteAudit(join(dataDir, 'audit.db'))
  const access: Access = {
    accounts: new Accounts(accountsFile(config)),
    sessions: new Sessions({ idleMs: settings.idleMinutes * 60_000, absoluteMs: settings.absoluteHours * 3600_000 }),
    brake: new LoginBrake(),
    audit,
    mode: settings.mode === 'auto' && !isLoopback ? 'accounts' : settings.mode,
    hosts: settings.hosts.map((name) => name.toLowerCase()),
    cookie: `tributary-${region}`,
    isBehindTls: settings.isBehindTls,
    nowMs,
  }
  const fences = new FenceDesk({
    store: desk,
    textOf: (hex) => pseudonyms.text(hexToWords(hex)),
    known: () => pipeline().state.fences,
    apply: (fence) => pipeline().setFence(fence),
    tell: (fence) => pipeline().publishFence(fence),
  })
  return {
    desk,
    audit,
    access,
    fences,
    watch: new AgentWatch(desk),
    noteChange: (actor, by, action, subject, reason = '', ticket = '') => {
      audit.append({ atMs: nowMs(), by, role: actor?.role ?? '', action, subject, reason, ticket, outcome: 'done' })
    },
    close: () => {
      desk.close()
      audit.close()
    },
  }
}
