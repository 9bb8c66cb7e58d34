/** What the servers and this browser find. Created by doctor-page.ts. */
import { computed, type ReadonlySignal, signal } from '@preact/signals'
import { type ApiError, toApiError } from '../../client/errors.ts'
import type { DoctorResult } from '../../domain/doctor/doctor-endpoints.ts'
import type { Finding } from '../../domain/doctor/finding-codes.ts'
import type { AppContext } from '../app-context.ts'
import { examineBrowser, judgeClock } from './browser-checks.ts'

export type DoctorModel = {
  /** Of the servers; null until it is there. */
  result: ReadonlySignal<DoctorResult | null>
  /** Of this browser first. */
  findings: ReadonlySignal<readonly Finding[]>
  isExamining: ReadonlySignal<boolean>
  error: ReadonlySignal<ApiError | null>
  /** Does nothing while an examination runs. */
  examine(): Promise<void>
}

export function createDoctorModel(app: AppContext): DoctorModel {
  const result = signal<DoctorResult | null>(null)
  const ofBrowser = signal<readonly Finding[]>([])
  const clock = signal<Finding | null>(null)
  const isExamining = signal(false)
  const error = signal<ApiError | null>(null)

  const examineServers = async () => {
    try {
      const found = await app.client.call('getDoctor')
      result.value = found
      clock.value = judgeClock(found.checked_at, Date.now())
      error.value = null
    } catch (caught) {
      error.value = toApiError(caught)
    }
  }
  return {
    result,
    findings: computed(() => [
      ...(clock.value === null ? ofBrowser.value : [clock.value, ...ofBrowser.value.filter(isProblem)]),
      ...(result.value?.findings ?? []),
    ]),
    isExamining,
    error,
    async examine() {
      if (isExamining.peek()) return
      isExamining.value = true
      try {
        await Promise.all([
          examineServers(),
          examineBrowser(app).then((found) => {
            ofBrowser.value = found
          }),
        ])
      } finally {
        isExamining.value = false
      }
    },
  }
}

export const isProblem = ({ level }: Finding): boolean => level !== 'ok'
