/** Asks a process whether it answers. A refusal or a timeout is an answer too: not yet. */
import { connect } from 'node:net'

const answerWithinMs = 2000

/** `/ready` of a service's admin address. */
export async function isServiceReady(adminUrl: string): Promise<boolean> {
  const response = await fetch(`${adminUrl}/ready`, { signal: AbortSignal.timeout(answerWithinMs) })
  await response.arrayBuffer()
  return response.ok
}

/** A nats-server speaks first: its INFO line says that it takes clients. */
export function isServerReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const answer = (isReady: boolean) => {
      socket.destroy()
      resolve(isReady)
    }
    socket.setTimeout(answerWithinMs, () => answer(false))
    socket.once('error', () => answer(false))
    socket.once('data', (data) => answer(data.toString().startsWith('INFO ')))
  })
}
