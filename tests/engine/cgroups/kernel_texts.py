"""What the kernel writes in the statistics files of a cgroup: the same cgroup as v2 and as v1 tells it."""

from __future__ import annotations

CPU_STAT = b"""usage_usec 153256
user_usec 100000
system_usec 53256
nr_periods 12
nr_throttled 3
throttled_usec 4711
"""
MEMORY_STAT_V2 = b"""anon 31457280
file 17825792
kernel 1048576
inactive_anon 31440896
active_anon 16384
inactive_file 10485760
active_file 7340032
workingset_refault_file 5
pgfault 4321
pgmajfault 17
"""
MEMORY_EVENTS = b"low 0\nhigh 0\nmax 84\noom 2\noom_kill 1\noom_group_kill 0\n"
IO_STAT = b"""8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021
7:0
"""
PRESSURE = b"""some avg10=1.50 avg60=0.75 avg300=0.25 total=4711
full avg10=0.50 avg60=0.00 avg300=0.00 total=815
"""
MEMORY_STAT_V1 = b"""cache 4096
rss 31457280
inactive_file 1
total_cache 17825792
total_rss 31457280
total_swap 8192
total_pgfault 4321
total_pgmajfault 17
total_inactive_file 10485760
total_active_file 7340032
"""
OOM_CONTROL = b"oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"
BLKIO = b"""8:16 Read 1459200
8:16 Write 314773504
8:16 Sync 316232704
8:16 Async 0
8:16 Discard 0
8:16 Total 316232704
8:0 Read 90430464
8:0 Write 299008000
8:0 Total 389438464
Total 705671168
"""
BLKIO_OPERATIONS = b"""8:16 Read 192
8:16 Write 353
8:16 Total 545
8:0 Read 8950
8:0 Write 1252
8:0 Total 10202
Total 10747
"""

V2 = {
    "cpu.stat": CPU_STAT,
    "cpu.pressure": PRESSURE,
    "memory.current": b"50331648\n",
    "memory.stat": MEMORY_STAT_V2,
    "memory.events": MEMORY_EVENTS,
    "memory.peak": b"67108864\n",
    "memory.swap.current": b"8192\n",
    "memory.pressure": PRESSURE,
    "io.stat": IO_STAT,
    "io.pressure": PRESSURE,
    "pids.current": b"5\n",
    "pids.events": b"max 9\n",
}
V1 = {
    "cpu/cpu.stat": b"nr_periods 12\nnr_throttled 3\nthrottled_time 4711999\nnr_bursts 0\nburst_time 0\n",
    "cpuacct/cpuacct.usage": b"153256789\n",
    "cpuacct/cpuacct.stat": b"user 10\nsystem 5\n",
    "memory/memory.usage_in_bytes": b"50331648\n",
    "memory/memory.stat": MEMORY_STAT_V1,
    "memory/memory.failcnt": b"80\n",
    "memory/memory.memsw.failcnt": b"4\n",
    "memory/memory.oom_control": OOM_CONTROL,
    "memory/memory.max_usage_in_bytes": b"67108864\n",
    "memory/memory.kmem.usage_in_bytes": b"1048576\n",
    "blkio/blkio.throttle.io_service_bytes_recursive": BLKIO,
    "blkio/blkio.throttle.io_serviced_recursive": BLKIO_OPERATIONS,
    "pids/pids.current": b"5\n",
    "pids/pids.events": b"max 9\n",
}
