/** Where the agent's process begins: its commands, and their completion in the shell. */
import { runCommands } from '#shared/run-commands.ts'
import { agentCommand } from './agent-commands.ts'

await runCommands(agentCommand)
