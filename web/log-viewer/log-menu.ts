/** What is done with an output as a whole or with its selected lines: copy, link, download, fold. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { ApiError, toApiError } from '../../client/errors.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { deploymentPath, outputQuery } from '../routes.ts'
import { copyText } from '../ui/copy-button.ts'
import { Menu, type MenuItem } from '../ui/menu.ts'
import { downloadOutput, saveFile } from './download.ts'
import { type LineRange, lineHash } from './lines/line-link.ts'
import type { LogModel } from './log-model.ts'

type Props = { model: LogModel; actionId: number; deploymentName: string }

export function LogMenu({ model, actionId, deploymentName }: Props): VNode {
  const { client, toasts } = useApp()
  const copy = async (text: string, what: string) => {
    if (await copyText(text)) toasts.showSuccess(`${what} copied.`)
    else
      toasts.showError(
        new ApiError('failed', 'The browser did not copy it.', { hint: 'Download the output instead.' }),
      )
  }
  const fileName = `${deploymentName}-${actionId}`
  const items = (): MenuItem[] => {
    const count = model.count.peek()
    const whole: LineRange = { from: 0, to: count - 1 }
    const selection = model.selection.peek()
    const selectedLines = selection === null ? null : pluralize(selection.to - selection.from + 1, 'line')
    const noSelection = selection === null ? 'Press a line number, and another one with Shift.' : null
    const link = `${location.origin}${deploymentPath(deploymentName)}${outputQuery(actionId)}${selection === null ? '' : lineHash(selection)}`
    return [
      item('Copy all', () => void copy(model.textOf(whole), pluralize(count, 'line'))),
      item(
        selectedLines === null ? 'Copy the selected lines' : `Copy ${selectedLines}`,
        () => selection !== null && void copy(model.textOf(selection), selectedLines ?? ''),
        noSelection,
      ),
      item(
        selection === null ? 'Copy a link to the output' : 'Copy a link to the lines',
        () => void copy(link, 'Link'),
      ),
      item('Download as text', () => {
        // A part by a part, because one text of all lines is slow to build.
        const parts: string[] = []
        for (let from = 0; from < count; from += 5000)
          parts.push(`${model.textOf({ from, to: Math.min(count, from + 5000) - 1 })}\n`)
        saveFile(`${fileName}.txt`, parts)
      }),
      item('Download raw, with colors', () => {
        downloadOutput(client, actionId, `${fileName}.log`).catch((error) =>
          toasts.showError(toApiError(error)),
        )
      }),
      ...(model.hasSections.peek()
        ? [
            item('Fold all sections', () => model.foldAll(true)),
            item('Unfold all sections', () => model.foldAll(false)),
          ]
        : []),
    ]
  }
  return html`<${Menu} label="More for this output" items=${items} />`
}

const item = (text: string, onSelect: () => void, disabledReason: string | null = null): MenuItem => ({
  text,
  disabledReason,
  onSelect,
})
