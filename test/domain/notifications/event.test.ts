/** The text that a chat receives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slackBody } from '../../../domain/notifications/event.ts'

test('Names and messages mention nobody in a chat, make no link, and are bounded', () => {
  const body = slackBody(
    {
      deployment: 'one',
      old_status: 'UpdatePending',
      new_status: 'GenericFailure',
      at: '2026-03-01T10:00:05.120Z',
      failure: {
        what: 'script',
        script: 'update',
        message: `<!channel> @here ${'x'.repeat(100_000)}`,
        hint: null,
        output: null,
        exit_code: 1,
      },
      action: { id: 1, kind: 'update', actor: '@all <https://example.com|Anna>' },
    },
    null,
  )
  const { text } = JSON.parse(body)
  assert.doesNotMatch(text, /@(all|here)|[<>]/)
  assert.ok(text.length < 1000, String(text.length))
})
