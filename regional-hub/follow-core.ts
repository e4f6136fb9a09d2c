/**
 * What the core tells the region beside the trunk: what other regions saw, fences, triage. A message that cannot be used is reported and passed:
 * one bad fence stops nobody.
 */
import type { Fence, Notice, Triage } from '#shared/control.ts'
import type { StreamCursor } from './ports.ts'

export async function followNotices(
  notices: AsyncIterable<{ readonly notice: Notice; readonly cursor: StreamCursor }>,
  noticed: (notice: Notice, cursor: StreamCursor) => void,
  refused: (words: string) => void,
): Promise<void> {
  for await (const { notice, cursor } of notices) {
    try {
      noticed(notice, cursor)
    } catch (error) {
      refused(`notice of ${notice.kind}: ${(error as Error).message}`)
    }
  }
}

export interface ControlHandlers {
  readonly fenced: (fence: Fence) => void
  readonly triaged: (triage: Triage) => void
  readonly refused: (words: string) => void
}

export async function followControls(
  controls: AsyncIterable<{ readonly fence?: Fence; readonly triage?: Triage }>,
  { fenced, triaged, refused }: ControlHandlers,
): Promise<void> {
  for await (const { fence, triage } of controls) {
    try {
      if (fence !== undefined) fenced(fence)
      if (triage !== undefined) triaged(triage)
    } catch (error) {
      refused(`${fence === undefined ? 'triage' : `fence ${fence.id}`}: ${(error as Error).message}`)
    }
  }
}
