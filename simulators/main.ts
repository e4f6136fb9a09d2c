/** `tributary-sim`: the simulated network, drive traces and their scores. Each command's options are its help text. */
import { createMain, defineCommand } from 'citty'
import { cellsCommand, schemaCommand } from './cells-command.ts'
import { runSubcommand } from './run-command.ts'

await createMain(
  defineCommand({
    meta: { name: 'tributary-sim', description: 'Simulated mobile networks: events, planted truth, replays of drive traces, scores.' },
    subCommands: {
      run: runSubcommand,
      cells: cellsCommand,
      schema: schemaCommand,
    },
  }),
)()
