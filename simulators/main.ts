/** `tributary-sim`: the simulated network, drive traces and their scores. Each command's options are its help text. */
import { createMain, defineCommand } from 'citty'
import { cellsCommand, schemaCommand } from './cells-command.ts'
import { replayCommand } from './replay-command.ts'
import { runSubcommand } from './run-command.ts'
import { scoreCommand } from './score-command.ts'
import { learnCellsCommand, scoreTrackCommand } from './trace-commands.ts'

await createMain(
  defineCommand({
    meta: { name: 'tributary-sim', description: 'Simulated mobile networks: events, planted truth, replays of drive traces, scores.' },
    subCommands: {
      run: runSubcommand,
      cells: cellsCommand,
      schema: schemaCommand,
      replay: replayCommand,
      'learn-cells': learnCellsCommand,
      'score-track': scoreTrackCommand,
      score: scoreCommand,
    },
  }),
)()
