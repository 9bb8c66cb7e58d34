/** Signs out. The page is loaded again, so that nothing of what the person saw stays in memory. */
import { toApiError } from '../../client/errors.ts'
import type { AppContext } from '../app-context.ts'
import { homePath } from '../routes.ts'

export async function signOut(app: AppContext): Promise<void> {
  if (!(await app.confirmLeave())) return
  try {
    const location = await app.session.signOut()
    window.location.assign(location ?? homePath)
  } catch (error) {
    app.toasts.showError(toApiError(error))
  }
}
