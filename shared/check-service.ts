/** What hub and core alike are looked at for, in the order in which one would look: what it is started with, the machine, the process. */
import { dataDirCheck, diskSpaceCheck, fileSystemCheck, fsyncCheck } from './check-disk.ts'
import { clockSourceCheck, configCheck, keyFileCheck, keyModeCheck, nodeCheck } from './check-machine.ts'
import { healthCheck, logCheck, memoryCheck, openFilesCheck, portsCheck, runningCheck } from './check-process.ts'

export const serviceChecks = [
  configCheck,
  nodeCheck,
  keyFileCheck,
  keyModeCheck,
  dataDirCheck,
  fileSystemCheck,
  diskSpaceCheck,
  fsyncCheck,
  clockSourceCheck,
  memoryCheck,
  openFilesCheck,
  runningCheck,
  healthCheck,
  portsCheck,
  logCheck,
] as const
