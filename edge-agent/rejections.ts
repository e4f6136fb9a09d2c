/**
 * Why an event is rejected: short stable codes. They stand in dead letters, tallies and metrics, so none is ever renamed.
 * Every one of them is judged on a single event; a wrong message never closes its connection.
 */
export const rejectionReasons = [
  'not-json',
  'empty',
  'wrong-type',
  'out-of-bounds',
  'time-missing',
  'time-too-old',
  'time-ahead',
  'type-missing',
  'identity-missing',
  'cell-missing',
  'tenant-mismatch',
  'bad-topic',
  'undecodable',
] as const
export type RejectionReason = (typeof rejectionReasons)[number]
