/**
 * The agent's checks, in the order in which a field team would look: what it is started with, the machine, the process, what comes in, the way
 * out, what is on it. `doctor` runs all of them, the running agent the cheap ones for `/health`.
 */
import { dataDirCheck, diskSpaceCheck, fileSystemCheck, fsyncCheck } from '#shared/check-disk.ts'
import { linkChecks } from '#shared/check-link.ts'
import { clockSourceCheck, configCheck, keyFileCheck, keyModeCheck, nodeCheck } from '#shared/check-machine.ts'
import { healthCheck, logCheck, memoryCheck, openFilesCheck, portsCheck, runningCheck, unitCheck } from '#shared/check-process.ts'
import type { Check } from '#shared/checks.ts'
import { subjects } from '#shared/control.ts'
import { lanes } from '#shared/records.ts'
import type { AgentCheckContext } from './agent-check-context.ts'
import { secretFilesCheck } from './check-secrets.ts'
import { storeChecks } from './check-stores.ts'
import { tapChecks } from './check-taps.ts'
import type { AgentConfig } from './config.ts'

const link = linkChecks<AgentConfig>({
  who: 'the region’s server',
  setting: 'hub.natsUrl',
  publishes: ({ tenant, region, agent }: AgentConfig) => lanes.map((lane) => subjects.ingest(tenant, region, agent, lane)),
  subscribes: ({ tenant, region, agent }: AgentConfig) => [subjects.watermark(tenant, region, agent)],
  stream: 'INBOX',
})

export const agentChecks: readonly Check<AgentCheckContext>[] = [
  configCheck,
  nodeCheck,
  keyFileCheck,
  keyModeCheck,
  secretFilesCheck,
  dataDirCheck,
  fileSystemCheck,
  diskSpaceCheck,
  fsyncCheck,
  storeChecks.storeIdentity,
  storeChecks.stores,
  clockSourceCheck,
  memoryCheck,
  openFilesCheck,
  runningCheck,
  healthCheck,
  portsCheck,
  unitCheck,
  logCheck,
  ...tapChecks,
  storeChecks.backlogHours,
  ...link,
  storeChecks.uplink,
  storeChecks.watermark,
  storeChecks.backlog,
]
