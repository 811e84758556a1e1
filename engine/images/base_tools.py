"""What goes into the image `base`: names of commands, terminals and folders."""

from __future__ import annotations

from typing import Final

SHELLS: Final = ("sh", "dash", "bash")

# fmt: off
COREUTILS: Final = (
    "[", "arch", "b2sum", "base32", "base64", "basename", "basenc", "cat", "chgrp", "chmod", "chown", "chroot",
    "cksum", "comm", "cp", "csplit", "cut", "date", "dd", "df", "dir", "dircolors", "dirname", "du", "echo", "env",
    "expand", "expr", "factor", "false", "fmt", "fold", "groups", "head", "hostid", "id", "install", "join", "link",
    "ln", "logname", "ls", "md5sum", "mkdir", "mkfifo", "mknod", "mktemp", "mv", "nice", "nl", "nohup", "nproc",
    "numfmt", "od", "paste", "pathchk", "pinky", "pr", "printenv", "printf", "ptx", "pwd", "readlink", "realpath",
    "rm", "rmdir", "seq", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shred", "shuf", "sleep",
    "sort", "split", "stat", "stdbuf", "stty", "sum", "sync", "tac", "tail", "tee", "test", "timeout", "touch",
    "tr", "true", "truncate", "tsort", "tty", "uname", "unexpand", "uniq", "unlink", "users", "vdir", "wc", "who",
    "whoami", "yes",
)

EVERYDAY: Final = (
    "awk", "grep", "egrep", "fgrep", "sed", "find", "xargs", "diff", "cmp", "ps", "top", "free", "uptime", "vmstat",
    "watch", "pgrep", "pidof", "sysctl", "ip", "ss", "ping", "less", "more", "vi", "hostname", "tar", "gzip",
    "gunzip", "zcat", "bzip2", "xz", "clear", "tput", "reset", "which", "getopt", "nsenter", "unshare", "lsns",
    "mount", "umount", "findmnt", "dmesg", "flock", "setsid", "taskset", "chrt", "ionice", "renice", "kill",
    "prlimit", "hexdump", "xxd", "nc", "tree", "column", "rev", "getconf", "getent", "locale", "script", "time",
)
# fmt: on

# Commands whose program has another name here. The small vi needs no runtime files.
PREFERRED: Final = {"vi": ("vim.tiny", "vi", "nvi")}

# Distributions ship these as shell scripts. A script by any other name is somebody's own and stays out.
SCRIPTS: Final = frozenset({"egrep", "fgrep", "gunzip", "zcat", "which", "reset"})

TERMINALS: Final = (
    "dumb",
    "linux",
    "screen",
    "screen-256color",
    "tmux",
    "tmux-256color",
    "vt100",
    "xterm",
    "xterm-256color",
)
TERMINFO_FOLDERS: Final = ("/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo", "/etc/terminfo")

LOCALE_FOLDER: Final = "/usr/lib/locale/C.utf8"
"""The locale that speaks UTF-8 and no particular language, so that vi and less show it."""

SEARCHED: Final = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")
"""Folders that only packages write to; /usr/local may hold what is private."""
