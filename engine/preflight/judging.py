"""From facts to what is missing, each with the command that mends it. Nothing is asked of the machine here."""

from __future__ import annotations

from engine.cgroups.layout import MANAGED_V1, MANAGED_V2, Layout
from engine.preflight.facts import Facts
from engine.preflight.part import Part, good, limited, missing

_NEEDED = ("cpu", "memory", "pids")
_OLDEST = (5, 12)  # mount_setattr(2), which idmapped mounts are made with
_FIREWALL_MODULES = "nf_tables nft_ct nft_fib_inet nft_nat nft_masq"
_OTHER_ROOT = "boxdeck --root DIR, with DIR on ext4, xfs, btrfs or tmpfs"
_FEW_BYTES = 1 << 30
_PLENTY = 15_000  # user namespaces, what a machine with 2 GiB has by itself


def judge(facts: Facts) -> list[Part]:
    """All that is needed of a machine, most urgent first."""
    return [
        _root(facts),
        _kernel(facts),
        _cgroups(facts),
        _namespaces(facts),
        _user_namespaces(facts),
        _overlay(facts),
        _idmapped(facts),
        _network(facts),
        _firewall(facts),
        _seccomp(facts),
        _pressure(facts),
        _disk(facts),
    ]


def _root(facts: Facts) -> Part:
    if not facts.is_root:
        return missing("root", "namespaces, control groups and mounts are root's to make", "sudo boxdeck")
    if facts.lacking_capabilities:
        says = f"root lacks {', '.join(facts.lacking_capabilities)} here"
        return missing("root", says, "run it outside of a container, or in one with --privileged")
    return good("root", "with all that it takes")


def _kernel(facts: Facts) -> Part:
    version = ".".join(map(str, facts.kernel))
    if facts.kernel < _OLDEST:
        says = f"Linux {version} is older than {'.'.join(map(str, _OLDEST))}"
        return missing("kernel", says, "boot a newer kernel (uname -r shows which runs)")
    return good("kernel", f"Linux {version}")


def _cgroups(facts: Facts) -> Part:
    name, layout = "control groups", facts.layout
    if layout is None:
        return missing(name, "none are mounted", "mount -t cgroup2 cgroup2 /sys/fs/cgroup")
    if facts.readonly_cgroups:
        point = facts.readonly_cgroups[0]
        return missing(name, f"{point} is mounted read-only", f"mount -o remount,rw {point}")
    wanted = MANAGED_V2 if layout.version == "v2" else MANAGED_V1
    lacking = [each for each in wanted if each not in layout.controllers]
    if not lacking:
        return good(name, f"{layout.version} with {' '.join(layout.controllers)}")
    says = f"{layout.version} without {' '.join(lacking)}"
    report = missing if set(_NEEDED).intersection(lacking) else limited
    return report(name, says, _bring_controller(lacking[0], facts, layout), f"no limits of {', '.join(lacking)}")


def _bring_controller(controller: str, facts: Facts, layout: Layout) -> str:
    if controller not in facts.known_controllers:
        return f"add cgroup_enable={controller} to the kernel's command line, and boot"
    if layout.version == "v2":
        return "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line, and boot: v1 has it"
    point = f"/sys/fs/cgroup/{controller}"
    return f"mkdir -p {point} && mount -t cgroup -o {controller} cgroup {point}"


def _namespaces(facts: Facts) -> Part:
    lacking = [each for each in ("mnt", "uts", "ipc", "pid", "net", "cgroup") if each not in facts.namespaces]
    if lacking:
        options = " ".join(f"CONFIG_{each.upper()}_NS" for each in lacking if each != "mnt")
        return missing("namespaces", f"the kernel has no {' or '.join(lacking)} namespaces", f"boot one with {options}")
    return good("namespaces", " ".join(sorted(facts.namespaces)))


def _user_namespaces(facts: Facts) -> Part:
    name, effect = "user namespaces", "root in a container is root on the host"
    if facts.max_user_namespaces is None or "user" not in facts.namespaces:
        return limited(name, "the kernel has none", "boot one with CONFIG_USER_NS", effect)
    if facts.max_user_namespaces == 0:
        return limited(name, "none are allowed", f"sysctl -w user.max_user_namespaces={_PLENTY}", effect)
    return good(name, f"up to {facts.max_user_namespaces}")


def _overlay(facts: Facts) -> Part:
    if facts.overlay is None:
        return limited("overlay", "only root can try", "sudo boxdeck doctor", "not known yet")
    if not facts.overlay:
        return good("overlay", f"in {facts.root}")
    if "such device" in facts.overlay:  # ENODEV
        return missing("overlay", "the kernel doesn't have it", "modprobe overlay")
    says = f"none can be mounted in {facts.root} ({facts.overlay.lower()})"
    return missing("overlay", says, _OTHER_ROOT)


def _idmapped(facts: Facts) -> Part:
    name = "idmapped mounts"
    if facts.can_idmap is None:
        return limited(name, "only root can try", "sudo boxdeck doctor", "not known yet")
    if facts.can_idmap:
        return good(name, f"in {facts.root}")
    says, effect = f"the file system of {facts.root} has none", "containers get the host's ids instead of their own"
    return limited(name, says, _OTHER_ROOT, effect)


def _network(facts: Facts) -> Part:
    effect = "only --network none and host work"
    if facts.network is None:
        return limited("bridge and veth", "only root can try", "sudo boxdeck doctor", "not known yet")
    if facts.network:
        says = f"they can't be made ({facts.network.lower()})"
        return limited("bridge and veth", says, "modprobe -a bridge veth", effect)
    return good("bridge and veth", "made and taken away again")


def _firewall(facts: Facts) -> Part:
    effect = "no networks and no published ports; --network none and host work"
    if facts.firewall is None:
        return limited("nftables", "only root can try", "sudo boxdeck doctor", "not known yet")
    if facts.firewall:
        says = f"our table can't be made ({facts.firewall.lower()})"
        return limited("nftables", says, f"modprobe -a {_FIREWALL_MODULES}", effect)
    return good("nftables", "with all that our table needs")


def _seccomp(facts: Facts) -> Part:
    effect = "only --security-opt seccomp=unconfined works"
    if not facts.has_seccomp:
        return limited("seccomp", "the kernel filters no system calls", "boot one with CONFIG_SECCOMP_FILTER", effect)
    if facts.libseccomp:
        return limited("seccomp", "libseccomp isn't installed", "apt-get install libseccomp2", effect)
    return good("seccomp", "filters and libseccomp")


def _pressure(facts: Facts) -> Part:
    if facts.has_pressure:
        return good("pressure", "stalls are told")
    remedy = "add psi=1 to the kernel's command line, and boot"
    return limited("pressure", "the kernel doesn't tell of stalls", remedy, "graphs have no stalls")


def _disk(facts: Facts) -> Part:
    says = f"{facts.free_bytes / (1 << 30):.1f} GiB are free in {facts.root}"
    if facts.free_bytes < _FEW_BYTES:
        return limited("disk", says, "boxdeck system prune", "images may not fit")
    return good("disk", says)
