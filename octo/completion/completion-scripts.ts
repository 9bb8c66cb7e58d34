/**
 * The completion script of each shell. All of them run `octo complete -- WORD…` with the words so far, of which the
 * last one is incomplete; completion.ts responds. Called by commands/completion.ts.
 */

const bash = `# octo completion for bash: source <(octo completion bash)
_octo() {
  local IFS=$'\\n' found
  found=$(octo complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=($found)
  if [[ \${#COMPREPLY[@]} -gt 0 && \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _octo octo
`

const zsh = `#compdef octo
# octo completion for zsh: source <(octo completion zsh)
_octo() {
  local -a found
  found=("\${(@f)$(octo complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} == 0 )); then _files; return; fi
  if [[ \${found[1]} == *= ]]; then compadd -S '' -- $found; else compadd -- $found; fi
}
compdef _octo octo
`

const fish = `# octo completion for fish: octo completion fish | source
function __octo_complete
  set -l typed (commandline -opc) (commandline -ct)
  octo complete -- $typed[2..-1] 2>/dev/null
end
complete -c octo -f -a '(__octo_complete)'
complete -c octo -n "not __fish_seen_subcommand_from logs app-logs audit" -s f -l file -r -F
complete -c octo -n '__fish_seen_subcommand_from check' -F
complete -c octo -l ca-file -r -F
complete -c octo -l authorization-file -r -F
`

export const completionScripts: Record<string, string> = { bash, zsh, fish }
