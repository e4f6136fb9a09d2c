/** What the API's handlers are handed, and the variables a request carries from one middleware to the next. */
import type { Clock } from '#shared/clock.ts'
import type { Fence, Triage } from '#shared/control.ts'
import type { Pseudonymiser } from '#shared/pseudonym.ts'
import type { ApiKey, KeyStore } from './access.ts'
import type { CoreConfig } from './config.ts'
import type { Report } from './events.ts'
import type { History, HotState } from './ports.ts'

/** Fences, and what waits to be told to the hubs. */
export interface Desk {
  fences(tenant: string): readonly Fence[]
  fence(tenant: string, id: string): Fence | undefined
  /** Stores the next revision and sends it to the hubs as soon as they can be reached. */
  saveFence(tenant: string, fence: Omit<Fence, 'revision'>): Fence
  /** Passes a triage on to the hubs, likewise. */
  tellTriage(tenant: string, triage: Triage): void
}

export interface ApiDeps {
  readonly config: CoreConfig
  readonly history: History
  readonly hotState: HotState
  readonly keys: KeyStore
  readonly desk: Desk
  readonly pseudonymiser: Pseudonymiser
  readonly clock: Clock
  readonly report: Report
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  readonly health: () => { readonly status: string; readonly checks: readonly unknown[] }
}

export interface ApiEnv {
  Variables: { key: ApiKey; route: string }
  Bindings: { incoming?: { socket?: { remoteAddress?: string } } }
}
