"""Looking at what a bound program stands on, and starting it, as LLVM IR (`bound.py`).

    i64  wengert_start(ptr control)            look; where all is as it should be, enter the arrays and run, if the segment is
                                               to be run at once. -1, -3 where something has changed, or the number of an
                                               array that is not row-major
    i64  wengert_begin(ptr control)            the same, but let a worker run it (`job.py`); -4 where there is none
    void wengert_run(ptr control, ptr work)    run it: once, or once for each row of pointers
    i64  wengert_row(ptr list, ptr row, ptr places)   read such a row from a list of arrays; gives what `arrays` gives

control is a row of thirteen words: words, their number, list, buffers, places, segment to be run at once or null, work, whether
the segment has run, segment; and for a series of runs, one after the other, the number of rows (or 0), the rows, how many
pointers each has, and where in the table of buffers each goes (in bytes).
"""

from __future__ import annotations

from wengert.backends.llvm.program import arrays_text, begin_text

TEXT = f"""
declare i64 @wengert_job_start(ptr, ptr, ptr)

define void @wengert_run(ptr %control, ptr %work) nounwind {{
entry:
  %bp = getelementptr i64, ptr %control, i64 3
  %buffers = load ptr, ptr %bp, align 8
  %sp = getelementptr i64, ptr %control, i64 8
  %segment = load ptr, ptr %sp, align 8
  %np = getelementptr i64, ptr %control, i64 9
  %n = load i64, ptr %np, align 8
  %series = icmp sgt i64 %n, 0
  br i1 %series, label %rows, label %once
once:
  call void %segment(ptr %buffers, ptr %work)
  br label %done
rows:
  %rp = getelementptr i64, ptr %control, i64 10
  %all = load ptr, ptr %rp, align 8
  %mp = getelementptr i64, ptr %control, i64 11
  %m = load i64, ptr %mp, align 8
  %pp = getelementptr i64, ptr %control, i64 12
  %places = load ptr, ptr %pp, align 8
  br label %row
row:
  %i = phi i64 [0, %rows], [%i1, %run]
  %start = mul i64 %i, %m
  %line = getelementptr i64, ptr %all, i64 %start
  br label %head
head:
  %j = phi i64 [0, %row], [%j1, %put]
  %some = icmp slt i64 %j, %m
  br i1 %some, label %put, label %run
put:
  %from = getelementptr i64, ptr %line, i64 %j
  %pointer = load i64, ptr %from, align 8
  %where = getelementptr i64, ptr %places, i64 %j
  %place = load i64, ptr %where, align 8
  %to = getelementptr i8, ptr %buffers, i64 %place
  store i64 %pointer, ptr %to, align 8
  %j1 = add i64 %j, 1
  br label %head
run:
  call void @begin_anew(ptr %buffers)
  call void %segment(ptr %buffers, ptr %work)
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %n
  br i1 %more, label %row, label %done
done:
  %kp = getelementptr i64, ptr %control, i64 7
  store i64 1, ptr %kp, align 8
  ret void
}}

define i64 @wengert_row(ptr %list, ptr %row, ptr %places) nounwind {{
  %found = call i64 @arrays(ptr %list, ptr %row, ptr %places)
  ret i64 %found
}}

define i64 @wengert_start(ptr %control) nounwind {{
  %status = call i64 @look(ptr %control)
  %good = icmp eq i64 %status, -1
  br i1 %good, label %run, label %done
run:
  %sp = getelementptr i64, ptr %control, i64 5
  %segment = load ptr, ptr %sp, align 8
  %none = icmp eq ptr %segment, null
  br i1 %none, label %done, label %call
call:
  %kp = getelementptr i64, ptr %control, i64 6
  %work = load ptr, ptr %kp, align 8
  call void @wengert_run(ptr %control, ptr %work)
  br label %done
done:
  ret i64 %status
}}

define i64 @wengert_begin(ptr %control) nounwind {{
  %status = call i64 @look(ptr %control)
  %good = icmp eq i64 %status, -1
  br i1 %good, label %begin, label %done
begin:
  %kp = getelementptr i64, ptr %control, i64 6
  %work = load ptr, ptr %kp, align 8
  %bp = getelementptr i64, ptr %control, i64 3
  %buffers = load ptr, ptr %bp, align 8
  call void @begin_anew(ptr %buffers)
  %begun = call i64 @wengert_job_start(ptr @wengert_run, ptr %control, ptr %work)
  %yes = icmp ne i64 %begun, 0
  %result = select i1 %yes, i64 -1, i64 -4
  ret i64 %result
done:
  ret i64 %status
}}

; -3 where a word is not as it should be; else the data pointers, and what `arrays` gives.
define internal i64 @look(ptr %control) nounwind {{
entry:
  %words = load ptr, ptr %control, align 8
  %np = getelementptr i64, ptr %control, i64 1
  %n = load i64, ptr %np, align 8
  br label %words.head
words.head:
  %w = phi i64 [0, %entry], [%w1, %words.next]
  %wm = icmp slt i64 %w, %n
  br i1 %wm, label %words.body, label %arrays
words.body:
  %w2 = mul i64 %w, 2
  %ap = getelementptr i64, ptr %words, i64 %w2
  %a = load ptr, ptr %ap, align 8
  %ep = getelementptr i64, ptr %ap, i64 1
  %e = load i64, ptr %ep, align 8
  %v = load i64, ptr %a, align 8
  %same = icmp eq i64 %v, %e
  br i1 %same, label %words.next, label %changed
words.next:
  %w1 = add i64 %w, 1
  br label %words.head
arrays:
  %lp = getelementptr i64, ptr %control, i64 2
  %list = load ptr, ptr %lp, align 8
  %bp = getelementptr i64, ptr %control, i64 3
  %buffers = load ptr, ptr %bp, align 8
  %pp = getelementptr i64, ptr %control, i64 4
  %places = load ptr, ptr %pp, align 8
  %found = call i64 @arrays(ptr %list, ptr %buffers, ptr %places)
  ret i64 %found
changed:
  ret i64 -3
}}
{begin_text()}
{arrays_text()}
"""
