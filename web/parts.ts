/**
 * The parts of the page that a first visit of the list does not need. Each is a file of its own that is loaded when it is
 * first shown; those that most visits need are loaded as soon as the list is there.
 */
import { LogViewer } from './log-viewer/log-viewer-part.ts'
import { lazyPart } from './ui/lazy-part.ts'

export const AuditPage = lazyPart('page', async () => (await import('./audit/audit-page.ts')).AuditPage)
export const TokensPage = lazyPart('page', async () => (await import('./tokens/tokens-page.ts')).TokensPage)
export const DoctorPage = lazyPart('page', async () => (await import('./doctor/doctor-page.ts')).DoctorPage)
export const DevicePage = lazyPart('page', async () => (await import('./device/device-page.ts')).DevicePage)
export const FirstSteps = lazyPart(
  'inline',
  async () => (await import('./first-steps/first-steps.ts')).FirstSteps,
)
export const DeploymentPage = lazyPart('page', async () => {
  // Output that is open at once must not move what is below it.
  const [{ DeploymentPage }] = await Promise.all([
    import('./deployment/deployment-page.ts'),
    LogViewer.preload().catch(() => {}),
  ])
  return DeploymentPage
})
export const DeploymentForm = lazyPart(
  'dialog',
  async () => (await import('./form/deployment-form.ts')).DeploymentForm,
)
export const ChangeOwnerDialog = lazyPart(
  'dialog',
  async () => (await import('./deployment/dialogs/change-owner-dialog.ts')).ChangeOwnerDialog,
)
export const RollbackDialog = lazyPart(
  'dialog',
  async () => (await import('./deployment/dialogs/rollback-dialog.ts')).RollbackDialog,
)
export const CloneDialog = lazyPart(
  'dialog',
  async () => (await import('./deployment/dialogs/clone-dialog.ts')).CloneDialog,
)
export const LabelsDialog = lazyPart(
  'dialog',
  async () => (await import('./deployment/dialogs/labels-dialog.ts')).LabelsDialog,
)
export const BulkBar = lazyPart('inline', async () => (await import('./bulk/bulk-bar.ts')).BulkBar)
export const BulkDialog = lazyPart('dialog', async () => (await import('./bulk/bulk-dialog.ts')).BulkDialog)
export const SessionsDialog = lazyPart(
  'dialog',
  async () => (await import('./account/sessions-dialog.ts')).SessionsDialog,
)
/** What most visits need next, one after the other, so that it is there when somebody clicks. */
export async function preloadParts(): Promise<void> {
  try {
    for (const part of [DeploymentForm, DeploymentPage]) await part.preload()
  } catch {
    // It is loaded when it is shown, and an error is shown there.
  }
}
