/** Where the hub's process begins: its commands, and their completion in the shell. */
import { runCommands } from '#shared/run-commands.ts'
import { hubCommand } from './hub-commands.ts'

await runCommands(hubCommand)
