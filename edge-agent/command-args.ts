/** What all of the agent's commands have in common. */
export const name = 'tributary-agent'

export const sharedArgs = {
  config: { type: 'string', description: 'settings file (YAML)', default: 'agent.yaml' },
  json: { type: 'boolean', description: 'answer as JSON', default: false },
} as const
