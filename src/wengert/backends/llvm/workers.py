"""The workers of the thread pool, as LLVM IR: their life, how they are started, woken and stopped. See `parallel.py`.

They block every signal, so that signals reach Python's threads.
"""

from __future__ import annotations

_WORKER = """
define internal ptr @pool_worker(ptr %self) nounwind {
entry:
  %worker = ptrtoint ptr %self to i64
  %spins = load i64, ptr @pool.spins
  %patience = load i64, ptr @pool.patience
  %most = add i64 %spins, %patience
  br label %idle
idle:
  %seen = phi i64 [0, %entry], [%number, %work]
  br label %watch
watch:
  %turn = phi i64 [0, %idle], [%turn1, %again]
  %now = load atomic i64, ptr @pool.region acquire, align 8
  %new = icmp ne i64 %now, %seen
  br i1 %new, label %wake, label %wait
wait:
  %turn1 = add i64 %turn, 1
  %patient = icmp sle i64 %turn1, %most
  br i1 %patient, label %think, label %sleep
think:
  %long = icmp sgt i64 %turn1, %spins
  %few = and i64 %turn1, 63
  %now64 = icmp eq i64 %few, 0
  %give = and i1 %long, %now64
  br i1 %give, label %yield, label %again
yield:
  %y = call i32 @sched_yield()
  br label %again
again:
  PAUSE
  br label %watch
sleep:
  %l = call i32 @pthread_mutex_lock(ptr @pool.mutex)
  %s = atomicrmw add ptr @pool.sleepers, i64 1 seq_cst
  br label %look
look:
  %late = load atomic i64, ptr @pool.region seq_cst, align 8
  %changed = icmp ne i64 %late, %seen
  br i1 %changed, label %awake, label %doze
doze:
  %w = call i32 @pthread_cond_wait(ptr @pool.wake, ptr @pool.mutex)
  br label %look
awake:
  %s1 = atomicrmw sub ptr @pool.sleepers, i64 1 seq_cst
  %u = call i32 @pthread_mutex_unlock(ptr @pool.mutex)
  br label %wake
wake:
  %number = phi i64 [%now, %watch], [%late, %awake]
  %quit = load atomic i32, ptr @pool.quit monotonic, align 4
  %leave = icmp ne i32 %quit, 0
  br i1 %leave, label %out, label %work
work:
  call void @pool_job(i64 %worker)
  call void @pool_work(i64 %number, i64 %worker)
  br label %idle
out:
  ret ptr null
}
"""

# Waking those who sleep, after something that they watch has changed (in sequential order).
_ROUSE = """
define internal void @pool_rouse() nounwind {
  %asleep = load atomic i64, ptr @pool.sleepers seq_cst, align 8
  %some = icmp sgt i64 %asleep, 0
  br i1 %some, label %call, label %out
call:
  call void @pool_wake_all()
  br label %out
out:
  ret void
}
define internal void @pool_wake_all() noinline nounwind {
  %l = call i32 @pthread_mutex_lock(ptr @pool.mutex)
  %b = call i32 @pthread_cond_broadcast(ptr @pool.wake)
  %u = call i32 @pthread_mutex_unlock(ptr @pool.mutex)
  ret void
}
"""

# Starting and stopping. The pool is claimed (busy is 1) in pool_staff, pool_start and pool_stop.
_CONTROL = """
define internal void @pool_staff(i64 %threads) nounwind {
  %needed = sub i64 %threads, 1
  %running = load i64, ptr @pool.running
  %failed = load i64, ptr @pool.failed
  %lack = icmp slt i64 %running, %needed
  %try = icmp eq i64 %failed, 0
  %hire = and i1 %lack, %try
  br i1 %hire, label %start, label %out
start:
  call void @pool_start(i64 %needed)
  br label %out
out:
  ret void
}
define internal void @pool_start(i64 %needed) noinline nounwind {
entry:
  %full = alloca [128 x i8], align 16
  %old = alloca [128 x i8], align 16
  %f = call i32 @sigfillset(ptr %full)
  %b = call i32 @pthread_sigmask(i32 SIG_SETMASK, ptr %full, ptr %old)
  br label %next
next:
  %n = load i64, ptr @pool.running
  %more = icmp slt i64 %n, %needed
  br i1 %more, label %hire, label %out
hire:
  %n1 = add i64 %n, 1
  %handle = getelementptr i64, ptr @pool.handles, i64 %n
  %self = inttoptr i64 %n1 to ptr
  %error = call i32 @pthread_create(ptr %handle, ptr null, ptr @pool_worker, ptr %self)
  %fine = icmp eq i32 %error, 0
  br i1 %fine, label %count, label %none
count:
  store i64 %n1, ptr @pool.running
  br label %next
none:
  store i64 1, ptr @pool.failed
  br label %out
out:
  %r = call i32 @pthread_sigmask(i32 SIG_SETMASK, ptr %old, ptr null)
  ret void
}
define internal void @pool_stop() nounwind {
entry:
  store atomic i32 1, ptr @pool.quit monotonic, align 4
  %last = load i64, ptr @pool.region
  %number = add i64 %last, 1
  store atomic i64 %number, ptr @pool.region seq_cst, align 8
  call void @pool_wake_all()
  br label %next
next:
  %n = load i64, ptr @pool.running
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %join, label %out
join:
  %n1 = sub i64 %n, 1
  %handle = getelementptr i64, ptr @pool.handles, i64 %n1
  %thread = load i64, ptr %handle
  %j = call i32 @pthread_join(i64 %thread, ptr null)
  store i64 %n1, ptr @pool.running
  br label %next
out:
  store atomic i32 0, ptr @pool.quit monotonic, align 4
  store i64 0, ptr @pool.failed
  ret void
}
define i64 @wengert_pool_resize(i64 %threads) nounwind {
  %was = cmpxchg ptr @pool.busy, i32 0, i32 1 acquire monotonic
  %mine = extractvalue {i32, i1} %was, 1
  br i1 %mine, label %stop, label %busy
stop:
  call void @pool_stop()
  store atomic i64 %threads, ptr @pool.threads monotonic, align 8
  store atomic i32 0, ptr @pool.busy release, align 4
  ret i64 1
busy:
  ret i64 0
}
define void @wengert_pool_reset(i64 %spins, i64 %patience) nounwind {
  store i64 0, ptr @pool.running
  store i64 0, ptr @pool.failed
  store i64 0, ptr @pool.sleepers
  store i64 0, ptr @pool.drowsy
  store i32 0, ptr @pool.quit
  store i64 0, ptr @pool.job
  store i64 %spins, ptr @pool.spins
  store i64 %patience, ptr @pool.patience
  ; The fork may have come between the opening of slots and the number that goes with them.
  call void @llvm.memset.p0.i64(ptr @pool.slots, i8 0, i64 SLOT_BYTES, i1 false)
  call void @llvm.memset.p0.i64(ptr @pool.mutex, i8 0, i64 128, i1 false)
  call void @llvm.memset.p0.i64(ptr @pool.wake, i8 0, i64 128, i1 false)
  call void @llvm.memset.p0.i64(ptr @pool.done, i8 0, i64 128, i1 false)
  %m = call i32 @pthread_mutex_init(ptr @pool.mutex, ptr null)
  %w = call i32 @pthread_cond_init(ptr @pool.wake, ptr null)
  %d = call i32 @pthread_cond_init(ptr @pool.done, ptr null)
  store atomic i32 0, ptr @pool.busy release, align 4
  ret void
}
define void @wengert_pool_pause(i64 %rounds) nounwind {
entry:
  br label %watch
watch:
  %turn = phi i64 [0, %entry], [%turn1, %watch]
  %now = load atomic i64, ptr @pool.region acquire, align 8
  PAUSE
  %turn1 = add i64 %turn, 1
  %more = icmp slt i64 %turn1, %rounds
  br i1 %more, label %watch, label %out
out:
  ret void
}
"""

TEXT = "\n".join([_WORKER, _ROUSE, _CONTROL])
