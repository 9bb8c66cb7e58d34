/** `octo completion`: prints the script that lets a shell complete commands, options and names. Loaded by run.ts. */
import { Option } from 'clipanion'
import { OctoCommand } from '../cli/base-command.ts'
import { completionScripts } from '../completion/completion-scripts.ts'
import { CliError } from '../errors/cli-error.ts'

export class Completion extends OctoCommand {
  static override paths = [['completion']]
  static override usage = OctoCommand.Usage({
    description: 'print the completion script of a shell',
    details: `
      For bash, zsh or fish. Completes commands, options, names of deployments that the command can be used on, config
      keys and contexts. Names and keys come from the server when you press Tab.
    `,
    examples: [
      ['bash, in ~/.bashrc', 'source <(octo completion bash)'],
      ['zsh, in ~/.zshrc after compinit', 'source <(octo completion zsh)'],
      ['fish', 'octo completion fish > ~/.config/fish/completions/octo.fish'],
    ],
  })

  shell = Option.String({ name: 'SHELL' })

  protected async run(): Promise<void> {
    const script = Object.hasOwn(completionScripts, this.shell) ? completionScripts[this.shell] : undefined
    if (script === undefined) {
      throw new CliError('usage', `completion needs one of ${Object.keys(completionScripts).join(', ')}.`)
    }
    if (this.format === null) return this.print(script)
    const record = { shell: this.shell, script }
    const columns = { SHELL: () => record.shell, SCRIPT: () => record.script }
    await this.printRecords({ record }, { name: () => record.shell, columns }, this.format)
  }
}
