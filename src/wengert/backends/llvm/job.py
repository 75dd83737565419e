"""Running a program beside its caller, as LLVM IR: a worker of the pool begins it, and who waits for it helps.

    i64  wengert_job_start(ptr function, ptr buffers, ptr work)   let a worker call function(buffers, work); 1, or 0 where
                                                                  there is none, and then nothing has been done
    void wengert_job_join()                                       wait until it is done; at once where there is no job
    void wengert_job_wait(ptr word, i64 least)                    wait until the word is `least` or more, or it is done; a join
                                                                  is still due

There is one job at a time: the next one may start after a join. The worker that takes it is the caller of the job's
regions (`parallel.py`), with the caller's number 0; whoever joins takes pieces of them under the number of that worker. So
while the caller does other things as many threads are at work as there should be. A job that no worker has taken by the
time of the join is run by who joins. That changes no result: how a range is cut does not depend on who runs the pieces.

    @pool.job    0 none, 1 waiting, 2 done, 16 + w under way in worker w
"""

from __future__ import annotations

_STATE = """
@pool.job.never = internal global i64 0, align APART   ; what a join waits for
@pool.job = internal global i64 0, align APART
@pool.job.function = internal global ptr null, align APART
@pool.job.buffers = internal global ptr null
@pool.job.work = internal global ptr null
"""

# A worker, woken by a new number of a region, looks here first.
_WORKER = """
define internal void @pool_run_job() nounwind {
  %function = load ptr, ptr @pool.job.function
  %buffers = load ptr, ptr @pool.job.buffers
  %work = load ptr, ptr @pool.job.work
  call void %function(ptr %buffers, ptr %work)
  ret void
}
define internal void @pool_job(i64 %worker) nounwind {
entry:
  %state = load atomic i64, ptr @pool.job monotonic, align 8
  %there = icmp eq i64 %state, 1
  br i1 %there, label %take, label %out
take:
  %mark = add i64 %worker, 16
  %was = cmpxchg ptr @pool.job, i64 1, i64 %mark acquire monotonic
  %mine = extractvalue {i64, i1} %was, 1
  br i1 %mine, label %run, label %out
run:
  call void @pool_run_job()
  store atomic i64 2, ptr @pool.job seq_cst, align 8
  call void @pool_rouse()
  br label %out
out:
  ret void
}
"""

_CALLER = """
define i64 @wengert_job_start(ptr %function, ptr %buffers, ptr %work) nounwind {
entry:
  %threads = call i64 @pool_threads()
  %several = icmp sgt i64 %threads, 1
  br i1 %several, label %claim, label %none
claim:
  %was = cmpxchg ptr @pool.busy, i32 0, i32 1 acquire monotonic
  %mine = extractvalue {i32, i1} %was, 1
  br i1 %mine, label %staff, label %none
staff:
  call void @pool_staff(i64 %threads)
  %now = load i64, ptr @pool.running
  %some = icmp sgt i64 %now, 0
  %state = load atomic i64, ptr @pool.job acquire, align 8
  %idle = icmp eq i64 %state, 0
  %good = and i1 %some, %idle
  br i1 %good, label %post, label %leave
post:
  store ptr %function, ptr @pool.job.function
  store ptr %buffers, ptr @pool.job.buffers
  store ptr %work, ptr @pool.job.work
  store atomic i64 1, ptr @pool.job release, align 8
  ; A number without open slots: workers wake up and find the job.
  %last = load i64, ptr @pool.region
  %number = add i64 %last, 1
  store atomic i64 %number, ptr @pool.region seq_cst, align 8
  call void @pool_rouse()
  store atomic i32 0, ptr @pool.busy release, align 4
  ret i64 1
leave:
  store atomic i32 0, ptr @pool.busy release, align 4
  br label %none
none:
  ret i64 0
}
define void @wengert_job_join() nounwind {
  call void @wengert_job_wait(ptr @pool.job.never, i64 1)
  store atomic i64 0, ptr @pool.job release, align 8
  ret void
}
define void @wengert_job_wait(ptr %word, i64 %least) nounwind {
entry:
  %naps = icmp ne ptr %word, @pool.job.never
  %spins = load i64, ptr @pool.spins
  br label %idle
idle:
  %seen = phi i64 [0, %entry], [%number, %help], [%number, %pieces]
  br label %watch
watch:
  %turn = phi i64 [0, %idle], [%turn1, %again]
  %state = load atomic i64, ptr @pool.job acquire, align 8
  switch i64 %state, label %running [i64 0, label %out
                                     i64 1, label %take
                                     i64 2, label %out]
take:
  %was = cmpxchg ptr @pool.job, i64 1, i64 16 acquire monotonic
  %mine = extractvalue {i64, i1} %was, 1
  br i1 %mine, label %run, label %again
run:
  call void @pool_run_job()
  store atomic i64 2, ptr @pool.job seq_cst, align 8
  br label %out
running:
  %stands = load atomic i64, ptr %word acquire, align 8
  %enough = icmp sge i64 %stands, %least
  br i1 %enough, label %out, label %region
region:
  %now = load atomic i64, ptr @pool.region acquire, align 8
  %new = icmp ne i64 %now, %seen
  br i1 %new, label %help, label %wait
wait:
  %patient = icmp sle i64 %turn, %spins
  br i1 %patient, label %again, label %rest
rest:
  br i1 %naps, label %nap, label %sleep
nap:
  ; Nobody is told when the word changes.
  %n = call i32 @usleep(i32 50)
  br label %again
again:
  %turn1 = add i64 %turn, 1
  PAUSE
  br label %watch
sleep:
  %l = call i32 @pthread_mutex_lock(ptr @pool.mutex)
  %s = atomicrmw add ptr @pool.sleepers, i64 1 seq_cst
  br label %look
look:
  %late = load atomic i64, ptr @pool.region seq_cst, align 8
  %changed = icmp ne i64 %late, %seen
  %state1 = load atomic i64, ptr @pool.job seq_cst, align 8
  %over = icmp eq i64 %state1, 2
  %up = or i1 %changed, %over
  br i1 %up, label %awake, label %doze
doze:
  %w = call i32 @pthread_cond_wait(ptr @pool.wake, ptr @pool.mutex)
  br label %look
awake:
  %s1 = atomicrmw sub ptr @pool.sleepers, i64 1 seq_cst
  %u = call i32 @pthread_mutex_unlock(ptr @pool.mutex)
  br i1 %over, label %out, label %help
help:
  %number = phi i64 [%now, %region], [%late, %awake]
  %who0 = load atomic i64, ptr @pool.job monotonic, align 8
  %who = sub i64 %who0, 16
  %valid = icmp sge i64 %who, 1
  br i1 %valid, label %pieces, label %idle
pieces:
  call void @pool_work(i64 %number, i64 %who)
  br label %idle
out:
  ret void
}
"""

TEXT = "\n".join([_STATE, _WORKER, _CALLER])
