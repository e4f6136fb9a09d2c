/** Where the core's process begins: its commands, and their completion in the shell. */
import { runCommands } from '#shared/run-commands.ts'
import { coreCommand } from './core-commands.ts'

await runCommands(coreCommand)
