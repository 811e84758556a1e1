"""``boxdeck completion bash|zsh|fish``: what a shell needs to complete our command lines."""

from __future__ import annotations

import argparse

from engine.cli.command import Command, Options, Parser, Roots
from engine.cli.output import write_lines
from engine.errors import InvalidRequest

_TEXT = """Prints a script for your shell. To have it always:
  boxdeck completion bash > /etc/bash_completion.d/boxdeck
  boxdeck completion zsh > /usr/local/share/zsh/site-functions/_boxdeck
  boxdeck completion fish > /etc/fish/completions/boxdeck.fish"""

# Bash breaks words at ':' and '=' and replaces only what is behind them.
_BASH = r"""_boxdeck() {
    local line=${COMP_LINE:0:COMP_POINT} word before=
    word=${line##*[[:space:]]}
    case $word in *[:=]*) before=${word%"${word##*[:=]}"} ;; esac
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" completion --line "$line" 2>/dev/null | cut -f1)
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
}
complete -o default -o nosort -F _boxdeck boxdeck"""

_ZSH = r"""#compdef boxdeck
_boxdeck() {
    local -a words_ meanings
    local found
    for found in "${(@f)$(boxdeck completion --line "${BUFFER[1,CURSOR]}" 2>/dev/null)}"; do
        [[ -n $found ]] || continue
        words_+=("${found%%$'\t'*}")
        meanings+=("${found//$'\t'/  -- }")
    done
    if (( $#words_ )); then compadd -l -d meanings -a words_; else _files; fi
}
if [[ $funcstack[1] = _boxdeck ]]; then _boxdeck "$@"; else compdef _boxdeck boxdeck; fi"""

_FISH = r"""function __boxdeck_candidates
    boxdeck completion --line (commandline -cp | string collect) 2>/dev/null
end
complete -c boxdeck -f -n 'test -n (__boxdeck_candidates | string collect)' -a '(__boxdeck_candidates)'"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


class CompletionOptions(Options):
    """Options of ``completion``."""

    shell: str | None
    line: str | None


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_mutually_exclusive_group()
    what.add_argument("shell", metavar="SHELL", choices=tuple(_SCRIPTS), nargs="?", help="bash, zsh or fish")
    what.add_argument("--line", help="print what may complete this line, a word and its meaning on each")


def _completion(roots: Roots, options: CompletionOptions) -> int:
    if options.line is None:
        if options.shell is None:
            raise InvalidRequest("no shell was named", f"choose one of {', '.join(_SCRIPTS)}")
        write_lines([_SCRIPTS[options.shell]])
        return 0
    from engine.cli.candidates import candidates

    found = candidates(options.line, roots)
    write_lines(["\t".join(each).rstrip("\t") for each in found])
    return 0


COMPLETION = Command(CompletionOptions, _arguments, _completion)
