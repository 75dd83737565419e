"""The thread pool as LLVM IR: it waits, hands out work and sleeps without knowing of Python.

    void wengert_parallel(ptr task, ptr context, i64 begin, i64 end, i64 grain, i64 align)

calls task(ptr context, i64 begin, i64 end, i64 worker) on pieces of the range and returns when all are done. Pieces are
at least `grain` long, and a multiple of `align` but for the last; there are at most as many as threads, or the same number
for each, up to SHARE, so they depend on nothing but the range, grain, align and the number of threads. `worker`, below the
number of threads and 0 for the caller, tells which scratch memory a task may use, and must not bear on results: who runs a
piece is open. An empty range calls nothing. A range too short to be cut, a call from within a task, and a call while another
thread of the program uses the pool are run by the caller in one piece; so tasks must give the same bits however the range
is cut.

How it works. A *region* is one call. It has a number, counted up, and a slot for each piece that holds 2 x number while
the piece is open and 2 x number + 1 once it is taken. Slots are taken by compare-and-exchange, so a worker that wakes
up late finds nothing of its old region. Each worker has a share of pieces side by side, the same part of every range (what
it has in its cache may be of use), and tries these first, then the others'; the caller does the same, so a worker that has
not woken up in time costs nothing, and one whose processor is slower, or taken away for a while, little.

Workers wait for the number to change: `spins` rounds of watching, then `patience` more in which they let others run now
and then, then asleep on a condition variable. The caller waits for the count of unfinished pieces; it is never patient,
since the worker that it waits for may need its processor. Sleeping is safe by the usual two-sided check: who goes to
sleep first says so and then looks again, who wakes first changes the number and then looks for sleepers (both in
sequential order).

    i64  wengert_pool_resize(i64 threads)  stop all workers, take this many from now on; 0 if the pool is in use, else 1
    void wengert_pool_reset(i64 spins, i64 patience)  forget all workers: at the start, and in a child after fork
    void wengert_pool_pause(i64 rounds)    watch for this many rounds

A worker can also begin a whole program beside its caller (`job.py`).

Workers start in the first region that needs them (`workers.py`).
"""

from __future__ import annotations

from wengert.backends.llvm import job, workers

MOST_THREADS = 256

# Pieces for each thread at most, where each is then as long as several of the smallest, or one `align` is. Two processors
# of a virtual machine differ in speed by up to 1.4 for seconds, and one is taken away now and then: who is done first has
# something left to take.
SHARE = 16
_SEVERAL = 4

# What the text calls of the C library. Without them there is one thread.
SYMBOLS = (
    "pthread_create", "pthread_join", "pthread_sigmask", "sigfillset",
    "pthread_mutex_init", "pthread_mutex_lock", "pthread_mutex_unlock",
    "sched_yield", "usleep", "pthread_cond_init", "pthread_cond_wait", "pthread_cond_signal", "pthread_cond_broadcast",
)  # fmt: skip

# A distance at which no two variables share a cache line, nor a pair of lines that is fetched together.
_APART = 128


def parallel(triple: str) -> str:
    """The pool's text. `triple` chooses how a processor is told that it waits, and the numbers of the C library."""
    if triple.startswith(("x86_64", "i686")):
        pause, declare = "call void @llvm.x86.sse2.pause()", "declare void @llvm.x86.sse2.pause()"
    elif triple.startswith(("aarch64", "arm64")):
        pause, declare = "call void @llvm.aarch64.hint(i32 1)", "declare void @llvm.aarch64.hint(i32)"
    else:
        pause, declare = "fence seq_cst", ""
    numbers = {
        "PAUSE": pause,
        "SIG_SETMASK": "3" if "darwin" in triple or "macos" in triple or "bsd" in triple else "2",
        "APART": str(_APART),
        "SLOT_BYTES": str(MOST_THREADS * _APART),
    }
    text = "\n".join([_STATE, _ENTRY, _WORK, workers.TEXT, job.TEXT, declare])
    for word, meaning in numbers.items():
        text = text.replace(word, meaning)
    return text


def serial() -> str:
    """The same functions for a platform without POSIX threads: everything runs in the caller."""
    return f"""
define void @wengert_parallel({_ARGUMENTS}) nounwind {{
  %some = icmp slt i64 %begin, %end
  br i1 %some, label %run, label %out
run:
  call void %task(ptr %context, i64 %begin, i64 %end, i64 0)
  br label %out
out:
  ret void
}}
define i64 @wengert_pool_resize(i64 %threads) nounwind {{
  ret i64 1
}}
define void @wengert_pool_reset(i64 %spins, i64 %patience) nounwind {{
  ret void
}}
define void @wengert_pool_pause(i64 %rounds) nounwind {{
  ret void
}}
define i64 @wengert_job_start(ptr %function, ptr %buffers, ptr %work) nounwind {{
  ret i64 0
}}
define void @wengert_job_join() nounwind {{
  ret void
}}
define void @wengert_job_wait(ptr %word, i64 %least) nounwind {{
  ret void
}}
define internal i64 @pool_threads() nounwind {{
  ret i64 1
}}"""


_ARGUMENTS = "ptr %task, ptr %context, i64 %begin, i64 %end, i64 %grain, i64 %align"

_STATE = f"""
@pool.busy = internal global i32 0, align {_APART}          ; 1 while a region runs or the workers are being stopped
@pool.region = internal global i64 0, align {_APART}        ; the region's number; every worker watches it
@pool.left = internal global i64 0, align {_APART}          ; pieces not yet done
@pool.slots = internal global [{MOST_THREADS} x [{_APART // 8} x i64]] zeroinitializer, align {_APART}

@pool.task = internal global ptr null, align {_APART}       ; of the region: what to call, and how the range is cut
@pool.context = internal global ptr null
@pool.begin = internal global i64 0
@pool.end = internal global i64 0
@pool.align = internal global i64 1
@pool.units = internal global i64 0                         ; a piece has so many times `align`,
@pool.extra = internal global i64 0                         ; and the first so many pieces one more
@pool.pieces = internal global i64 0
@pool.share = internal global i64 1                         ; pieces of each thread

@pool.threads = internal global i64 1, align {_APART}       ; wanted, with the caller
@pool.running = internal global i64 0                       ; workers started
@pool.failed = internal global i64 0                        ; the system gave no thread: do not ask again
@pool.spins = internal global i64 0
@pool.patience = internal global i64 0
@pool.quit = internal global i32 0
@pool.sleepers = internal global i64 0                      ; workers asleep
@pool.drowsy = internal global i64 0                        ; 1 if the caller sleeps
@pool.mutex = internal global [{_APART} x i8] zeroinitializer, align {_APART}
@pool.wake = internal global [{_APART} x i8] zeroinitializer, align {_APART}
@pool.done = internal global [{_APART} x i8] zeroinitializer, align {_APART}
@pool.handles = internal global [{MOST_THREADS} x i64] zeroinitializer, align {_APART}

declare i32 @sched_yield()
declare i32 @usleep(i32)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_broadcast(ptr)

define internal i64 @pool_threads() nounwind {{
  %n = load atomic i64, ptr @pool.threads monotonic, align 8
  ret i64 %n
}}
"""

# The caller's side.
_ENTRY = f"""
define void @wengert_parallel({_ARGUMENTS}) nounwind {{
entry:
  %range = sub i64 %end, %begin
  %some = icmp sgt i64 %range, 0
  br i1 %some, label %measure, label %out
measure:
  %threads = call i64 @pool_threads()
  %al = call i64 @llvm.smax.i64(i64 %align, i64 1)
  %gr = call i64 @llvm.smax.i64(i64 %grain, i64 1)
  %gr1 = add i64 %gr, %al
  %gr2 = sub i64 %gr1, 1
  %gr3 = udiv i64 %gr2, %al
  %least = mul i64 %gr3, %al                                ; grain, rounded up to a multiple of align
  %fit = udiv i64 %range, %least
  %each = udiv i64 %fit, %threads
  %several0 = udiv i64 %each, {_SEVERAL}
  %divides = icmp sgt i64 %least, %al
  %each0 = select i1 %divides, i64 %several0, i64 %each
  %each1 = call i64 @llvm.smin.i64(i64 %each0, i64 {SHARE})
  %room = udiv i64 {MOST_THREADS}, %threads
  %each2 = call i64 @llvm.smin.i64(i64 %each1, i64 %room)
  %share = call i64 @llvm.smax.i64(i64 %each2, i64 1)
  %most = mul i64 %share, %threads
  %pieces = call i64 @llvm.smin.i64(i64 %fit, i64 %most)
  %several = icmp sgt i64 %pieces, 1
  br i1 %several, label %claim, label %alone
claim:
  %was = cmpxchg ptr @pool.busy, i32 0, i32 1 acquire monotonic
  %mine = extractvalue {{i32, i1}} %was, 1
  br i1 %mine, label %start, label %alone
alone:
  call void %task(ptr %context, i64 %begin, i64 %end, i64 0)
  br label %out
start:
  call void @pool_staff(i64 %threads)
  %all = udiv i64 %range, %al
  %units = udiv i64 %all, %pieces
  %extra = urem i64 %all, %pieces
  store ptr %task, ptr @pool.task
  store ptr %context, ptr @pool.context
  store i64 %begin, ptr @pool.begin
  store i64 %end, ptr @pool.end
  store i64 %al, ptr @pool.align
  store i64 %units, ptr @pool.units
  store i64 %extra, ptr @pool.extra
  store atomic i64 %pieces, ptr @pool.pieces monotonic, align 8
  store atomic i64 %share, ptr @pool.share monotonic, align 8
  store atomic i64 %pieces, ptr @pool.left monotonic, align 8
  %last = load i64, ptr @pool.region
  %number = add i64 %last, 1
  %open = shl i64 %number, 1
  br label %slot
slot:
  %p = phi i64 [0, %start], [%p1, %slot]
  %place = getelementptr [{_APART // 8} x i64], ptr @pool.slots, i64 %p
  store atomic i64 %open, ptr %place monotonic, align 8
  %p1 = add i64 %p, 1
  %moreslots = icmp slt i64 %p1, %pieces
  br i1 %moreslots, label %slot, label %go
go:
  store atomic i64 %number, ptr @pool.region seq_cst, align 8
  call void @pool_rouse()
  call void @pool_work(i64 %number, i64 0)
  %spins = load i64, ptr @pool.spins
  br label %watch
watch:
  %turn = phi i64 [0, %go], [%turn1, %again]
  %left = load atomic i64, ptr @pool.left acquire, align 8
  %finished = icmp eq i64 %left, 0
  br i1 %finished, label %free, label %wait
wait:
  %turn1 = add i64 %turn, 1
  %patient = icmp sle i64 %turn1, %spins
  br i1 %patient, label %again, label %sleep
again:
  PAUSE
  br label %watch
sleep:
  %l = call i32 @pthread_mutex_lock(ptr @pool.mutex)
  store atomic i64 1, ptr @pool.drowsy seq_cst, align 8
  br label %look
look:
  %still = load atomic i64, ptr @pool.left seq_cst, align 8
  %ready = icmp eq i64 %still, 0
  br i1 %ready, label %awake, label %doze
doze:
  %w = call i32 @pthread_cond_wait(ptr @pool.done, ptr @pool.mutex)
  br label %look
awake:
  store atomic i64 0, ptr @pool.drowsy seq_cst, align 8
  %u = call i32 @pthread_mutex_unlock(ptr @pool.mutex)
  br label %free
free:
  store atomic i32 0, ptr @pool.busy release, align 4
  br label %out
out:
  ret void
}}
"""

# Both sides: take pieces of a region and run them.
_WORK = f"""
define internal void @pool_work(i64 %number, i64 %worker) nounwind {{
entry:
  %pieces = load atomic i64, ptr @pool.pieces monotonic, align 8
  %share = load atomic i64, ptr @pool.share monotonic, align 8
  %own = mul i64 %worker, %share
  %open = shl i64 %number, 1
  %taken = or i64 %open, 1
  br label %try
try:
  %t = phi i64 [0, %entry], [%t1, %next]
  %t1 = add i64 %t, 1
  %more = icmp slt i64 %t, %pieces
  br i1 %more, label %choose, label %out
choose:
  %sum = add i64 %own, %t
  %p = urem i64 %sum, %pieces
  %place = getelementptr [{_APART // 8} x i64], ptr @pool.slots, i64 %p
  %seen = load atomic i64, ptr %place monotonic, align 8
  %free = icmp eq i64 %seen, %open
  br i1 %free, label %take, label %next
take:
  %was = cmpxchg ptr %place, i64 %open, i64 %taken acquire monotonic
  %mine = extractvalue {{i64, i1}} %was, 1
  br i1 %mine, label %run, label %next
run:
  %task = load ptr, ptr @pool.task
  %context = load ptr, ptr @pool.context
  %begin = load i64, ptr @pool.begin
  %end = load i64, ptr @pool.end
  %align = load i64, ptr @pool.align
  %units = load i64, ptr @pool.units
  %extra = load i64, ptr @pool.extra
  %before = mul i64 %units, %p
  %bonus = call i64 @llvm.smin.i64(i64 %p, i64 %extra)
  %from = add i64 %before, %bonus
  %fromat = mul i64 %from, %align
  %lo = add i64 %begin, %fromat
  %lucky = icmp slt i64 %p, %extra
  %one = zext i1 %lucky to i64
  %size = add i64 %units, %one
  %to = add i64 %from, %size
  %toat = mul i64 %to, %align
  %hi0 = add i64 %begin, %toat
  %p1 = add i64 %p, 1
  %last = icmp eq i64 %p1, %pieces
  %hi = select i1 %last, i64 %end, i64 %hi0
  call void %task(ptr %context, i64 %lo, i64 %hi, i64 %worker)
  %left = atomicrmw sub ptr @pool.left, i64 1 seq_cst
  %end0 = icmp eq i64 %left, 1
  br i1 %end0, label %tell, label %next
tell:
  %drowsy = load atomic i64, ptr @pool.drowsy seq_cst, align 8
  %sleeps = icmp ne i64 %drowsy, 0
  br i1 %sleeps, label %call, label %next
call:
  %l = call i32 @pthread_mutex_lock(ptr @pool.mutex)
  %s = call i32 @pthread_cond_signal(ptr @pool.done)
  %u = call i32 @pthread_mutex_unlock(ptr @pool.mutex)
  br label %next
next:
  br label %try
out:
  ret void
}}
"""
