"""Folders and files of the image `base` that are made anew and owe nothing to this machine."""

from __future__ import annotations

from typing import Final

FOLDERS: Final = {
    "": 0o755,
    "dev": 0o755,
    "etc": 0o755,
    "home": 0o755,
    "mnt": 0o755,
    "opt": 0o755,
    "proc": 0o555,
    "root": 0o700,
    "run": 0o755,
    "srv": 0o755,
    "sys": 0o555,
    "tmp": 0o1777,
    "usr": 0o755,
    "usr/bin": 0o755,
    "usr/lib": 0o755,
    "usr/local": 0o755,
    "usr/local/bin": 0o755,
    "usr/local/sbin": 0o755,
    "usr/sbin": 0o755,
    "usr/share": 0o755,
    "var": 0o755,
    "var/cache": 0o755,
    "var/lib": 0o755,
    "var/log": 0o755,
    "var/tmp": 0o1777,
}

LINKS: Final = {
    "bin": "usr/bin",
    "lib": "usr/lib",
    "sbin": "usr/sbin",
    "etc/mtab": "../proc/self/mounts",
    "var/run": "../run",
}

_PASSWD: Final = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
user:x:1000:1000:user:/home/user:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
"""

_GROUP: Final = """\
root:x:0:
daemon:x:1:
bin:x:2:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
wheel:x:10:
www-data:x:33:
users:x:100:
user:x:1000:
nogroup:x:65534:
"""

_NSSWITCH: Final = """\
passwd: files
group: files
hosts: files dns
networks: files
protocols: files
services: files
"""

_OS_RELEASE: Final = """\
NAME="Boxdeck base"
PRETTY_NAME="Boxdeck base"
ID=boxdeck-base
VERSION_ID=1
"""

_PROFILE: Final = """\
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LANG=C.UTF-8
export ENV=/etc/shrc
case $- in *i*) . /etc/shrc ;; esac
"""

# One prompt for dash and bash: both expand parameters in PS1, only bash knows backslashes.
_SHRC: Final = """\
_host=$(hostname 2>/dev/null)
PS1="${_host:-box}:\\$PWD"
if [ "$(id -u)" = 0 ]; then PS1="$PS1# "; else PS1="$PS1\\$ "; fi
unset _host
alias ls='ls --color=auto'
alias ll='ls -l'
"""

FILES: Final = {
    "etc/group": _GROUP,
    "etc/hostname": "",
    "etc/hosts": "",
    "etc/nsswitch.conf": _NSSWITCH,
    "etc/os-release": _OS_RELEASE,
    "etc/passwd": _PASSWD,
    "etc/profile": _PROFILE,
    "etc/resolv.conf": "",
    "etc/shrc": _SHRC,
    "root/.bashrc": ". /etc/shrc\n",
    "root/.vimrc": '" vim looks for its run-time files where there is none of this\n',
}

ENVIRONMENT: Final = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "ENV=/etc/shrc",  # sh(1): interactive shells read it
)
