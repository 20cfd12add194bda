using System.Runtime.InteropServices;

namespace Ingest.Bench.Load;

/// <summary>
/// The system's clock, with timers as fine as the kernel sleeps: some 0.1 ms, where .NET's own are no finer than a
/// millisecond. In that time a load of 20,000 rows a second would send 20 rows at once, and measure how they wait for
/// each other. Timers fire once; each has a thread.
/// </summary>
internal sealed class FineTime : TimeProvider
{
    /// <summary>How late a timer fires, about.</summary>
    public static readonly TimeSpan Resolution = TimeSpan.FromMilliseconds(0.1);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("Timers fire once here.");
        var timer = new FineTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class FineTimer : ITimer
    {
        private const long Never = long.MaxValue;

        private readonly TimeProvider time;
        private readonly Action fire;
        private readonly AutoResetEvent changed = new(false);
        private long dueAt = Never;
        private volatile bool isDisposed;

        public FineTimer(TimeProvider time, Action fire)
        {
            this.time = time;
            this.fire = fire;
            new Thread(Run) { IsBackground = true, Name = "fine timer" }.Start();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var isNever = dueTime == Timeout.InfiniteTimeSpan;
            var inTicks = dueTime.TotalSeconds * time.TimestampFrequency;
            Volatile.Write(ref dueAt, isNever ? Never : time.GetTimestamp() + (long)inTicks);
            changed.Set();
            return !isDisposed;
        }

        public void Dispose()
        {
            isDisposed = true;
            changed.Set();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Run()
        {
            while (!isDisposed)
            {
                var due = Volatile.Read(ref dueAt);
                var left = due == Never ? TimeSpan.MaxValue : time.GetElapsedTime(time.GetTimestamp(), due);
                if (left <= TimeSpan.Zero)
                {
                    if (Interlocked.CompareExchange(ref dueAt, Never, due) == due) fire();
                }
                else if (left < TimeSpan.FromMilliseconds(2)) Sleep(left);
                else changed.WaitOne(left > TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : left / 2);
            }
        }

        private static void Sleep(TimeSpan pause)
        {
            var request = new Timespec { Nanoseconds = (nint)pause.TotalNanoseconds };
            _ = NanoSleep(ref request, 0);
        }

        [DllImport("libc", EntryPoint = "nanosleep")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern int NanoSleep(ref Timespec request, nint remaining);

        /// <summary>As <c>struct timespec</c> is on 64-bit Linux.</summary>
        [StructLayout(LayoutKind.Sequential)]
        private struct Timespec
        {
            public nint Seconds;
            public nint Nanoseconds;
        }
    }
}
