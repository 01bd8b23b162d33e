"""Processes for parsers of files from strangers: they can compute, ask for ranges of bytes, and answer. Nothing else.

```
pool.py       processes at work and at rest; one that died or went beyond a limit is replaced
process.py    one of them, from outside: started, asked, ended
worker.py     one of them, from inside: the loop that answers
program.py    what runs in one
messages.py   what goes over the socket between the two
limits.py, refusals.py  what one may cost, and how the file is blamed for its end
ranges.py     where bytes come from: any place that can be read by range
ranged_file.py  a file object of which every byte is asked for
confinement.py, system_calls.py, landlock.py  what the system is told to refuse
```

**What holds.** A worker has an empty environment and two descriptors: a socket to its parent, and `/dev/null`. Before the
first byte of a file reaches it, it gives up: memory, processor time and size of written files beyond a limit
(`setrlimit`, everywhere); sockets, programs, new processes, signals to others, and opening anything for writing
(`seccomp`, Linux on x86-64 and ARM64); reading files other than those of Python and its packages (`Landlock`, Linux since 5.13).
A library may have started a thread by then, as onnxruntime does: the filter of system calls holds for it too, Landlock only for threads that start later.
None of that needs a privilege, and none can be taken back. It is started as a program of its own, never forked: the parent may
have threads.

**What is told of a file.** That its worker died, by which signal, or at which limit. A worker that has read other files
before is no witness: its file is given to a new one, whose word counts. So no outcome depends on what was read before.

**When the parent ends,** however it does, the worker does too: its socket closes, or where it computes at that
moment, the system kills it (`PR_SET_PDEATHSIG`, on Linux; elsewhere its limit of processor time does).

**When it is lost.** A file that takes a worker over can lie about itself, and about those that this worker reads after it; not
to the parent, which checks every answer against its type. Where the kernel has neither seccomp nor Landlock, what is left are the
limits and the empty environment: `SandboxPool.confinement` says which of them hold.

**What it costs.** 0.2 s of processor time for each worker that reads images, 0.7 s for one that reads DICOM; then some tenths of a
millisecond a file.
"""
