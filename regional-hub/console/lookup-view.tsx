/**
 * Look-up of one subscriber, by a number typed with role and reason, or by pseudonym. The number goes to the hub once, in the body of the question,
 * and is kept nowhere: not in the address, not in this page. The line it left in the audit log is shown to whoever asked.
 */
import { useSignal } from '@preact/signals'
import type { LookupAnswer, LookupRequest } from '../console-api.ts'
import { ask } from './ask-hub.ts'
import { useConsole } from './console-model.ts'
import { LookupResult } from './lookup-result.tsx'

export function LookupView() {
  const console = useConsole()
  const answer = useSignal<LookupAnswer | null>(null)
  const words = useSignal('')
  const isAsking = useSignal(false)
  const needsName = console.session.value?.mode !== 'accounts'
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const given = new FormData(form)
    const text = (name: string) => String(given.get(name) ?? '').trim()
    const who = text('who')
    const days = Number(text('days'))
    if (needsName) console.who.value = text('by')
    const request: LookupRequest = {
      ...(who.startsWith('psn1.') ? { pseudonym: who } : { phoneNumber: who.replaceAll(/[^\d+]/g, '') }),
      role: text('role'),
      reason: text('reason'),
      ...(needsName && { by: text('by') }),
      ...(text('ticket') !== '' && { ticket: text('ticket') }),
      from: new Date(Date.now() - days * 24 * 3600_000).toISOString(),
    }
    isAsking.value = true
    try {
      answer.value = await ask<LookupAnswer>('/api/lookup', request)
      words.value = ''
      if (!who.startsWith('psn1.')) (form.elements.namedItem('who') as HTMLInputElement).value = ''
    } catch (error) {
      answer.value = null
      words.value = (error as Error).message
    } finally {
      isAsking.value = false
    }
  }
  return (
    <div class="page">
      <form class="lookup-form" onSubmit={submit} autocomplete="off">
        <label>
          Number with +, or pseudonym
          <input
            name="who"
            required
            data-find
            defaultValue={console.place.value.find}
            placeholder="+353 … or psn1.…"
            pattern="\s*(\+[\d\s\-]{6,24}|psn1\.\S+)\s*"
            title="A number with + and country code, or a pseudonym"
          />
        </label>
        <label>
          In what role
          <input name="role" required maxLength={128} placeholder="fraud desk, emergency liaison…" />
        </label>
        <label>
          Why
          <input name="reason" required maxLength={1000} placeholder="kept in the audit log" />
        </label>
        <label>
          Ticket
          <input name="ticket" maxLength={128} placeholder="optional" />
        </label>
        {needsName && (
          <label>
            Your name
            <input name="by" required maxLength={128} defaultValue={console.who.value} />
          </label>
        )}
        <label>
          How far back
          <select name="days">
            <option value="1">1 day</option>
            <option value="7">7 days</option>
          </select>
        </label>
        <button type="submit" class="primary" disabled={isAsking.value}>
          Look up
        </button>
      </form>
      <p class="hint">
        Every look-up is written to the audit log before it is answered. No number is stored anywhere: it is turned into its pseudonym and
        forgotten.
      </p>
      {words.value !== '' && (
        <p class="bad" role="alert">
          {words.value}
        </p>
      )}
      {answer.value !== null && <LookupResult answer={answer.value} />}
    </div>
  )
}
