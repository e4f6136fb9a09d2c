/**
 * The configuration of the network's own nats-servers: one at the core that leaf nodes join, one per region that joins it. All on loopback.
 * The store limits are set wide: JetStream reserves each stream's maximum against them, and would refuse our streams on a small disk.
 */

/** The core's server keeps the embedded trunk: every write is synced before it is acknowledged. */
export function coreServerConfig(at: { readonly port: number; readonly leafPort: number; readonly storeDir: string }): string {
  return `server_name: core
listen: "127.0.0.1:${at.port}"
max_payload: 8MB
jetstream {
  store_dir: ${JSON.stringify(at.storeDir)}
  domain: core
  max_memory_store: 64MB
  max_file_store: 64GB
  sync_interval: always
}
leafnodes {
  listen: "127.0.0.1:${at.leafPort}"
  compression: off
}
`
}

/** A region's server may sync lazily: the agents still hold what no watermark has passed. */
export function regionServerConfig(at: {
  readonly region: string
  readonly port: number
  readonly storeDir: string
  readonly coreLeafPort: number
}): string {
  return `server_name: ${JSON.stringify(at.region)}
listen: "127.0.0.1:${at.port}"
max_payload: 8MB
jetstream {
  store_dir: ${JSON.stringify(at.storeDir)}
  max_memory_store: 64MB
  max_file_store: 64GB
  domain: ${JSON.stringify(at.region)}
}
leafnodes {
  reconnect: 1s
  remotes: [ { url: "nats-leaf://127.0.0.1:${at.coreLeafPort}", compression: off } ]
}
`
}
