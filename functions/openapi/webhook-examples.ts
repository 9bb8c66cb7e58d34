/** Examples of webhooks. Part of examples.ts, which checks their shapes. */

export const webhookExamples = {
  listWebhooks: {
    response: {
      webhooks: [
        {
          name: 'ci',
          format: 'standard' as const,
          host: 'ci.example.com',
          waiting: 1,
          failed: 1,
          last_error: 'It answered with 502.',
        },
      ],
      failed: [
        {
          delivery_id: 12,
          webhook: 'ci',
          deployment: 'feature-1',
          old_status: 'UpdatePending',
          new_status: 'GenericFailure',
          at: '2026-03-01T10:00:00.000Z',
          attempts: 10,
          failed_at: '2026-03-03T12:00:00.000Z',
          error: 'It answered with 502.',
        },
      ],
    },
  },
}
