/** Asked only where the hub has accounts. */
import { useSignal } from '@preact/signals'
import type { SessionAnswer } from '../console-api.ts'
import { ask } from './ask-hub.ts'

export function LoginView() {
  const words = useSignal('')
  const enter = async (event: SubmitEvent) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement)
    try {
      await ask<SessionAnswer>('/api/session', { name: given.get('name'), password: given.get('password') })
      location.reload()
    } catch (error) {
      words.value = (error as Error).message
    }
  }
  return (
    <main class="login">
      <form class="card" onSubmit={enter}>
        <h1>Tributary</h1>
        <p>This hub asks who you are. Accounts are made by whoever runs it.</p>
        <label>
          Name <input name="name" required autocomplete="username" />
        </label>
        <label>
          Password <input name="password" type="password" required autocomplete="current-password" />
        </label>
        <button type="submit" class="primary">
          Enter
        </button>
        <p role="alert" class="bad">
          {words.value}
        </p>
      </form>
    </main>
  )
}
