using System.Globalization;

namespace Ingest.Bench.Processes;

/// <summary>Processor time of processes, from the kernel's accounts (proc(5), <c>/proc/pid/stat</c>); Linux
/// only.</summary>
internal static class ProcessorTime
{
    // sysconf(_SC_CLK_TCK), which is 100 on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>User and system time of one process, in seconds; 0 where it is gone.</summary>
    public static double Of(int pid) => TryRead(pid, out var stat) ? stat.Own / TicksPerSecond : 0;

    /// <summary>That of a process, of its children that have ended, and of those that have not.</summary>
    public static double OfFamily(int pid)
    {
        if (!TryRead(pid, out var parent)) return 0;
        var ticks = parent.Own + parent.Ended;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var other)
                && TryRead(other, out var stat) && stat.Parent == pid)
                ticks += stat.Own + stat.Ended;
        }

        return ticks / TicksPerSecond;
    }

    /// <summary>The memory of a process that is in use and not shared with files, in bytes; 0 where it is
    /// gone.</summary>
    public static long MemoryOf(int pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status")
                .First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
            var kibibytes = line.AsSpan(8, line.Length - 8 - 3);
            return long.Parse(kibibytes, NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture)
                * 1024;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return 0;
        }
    }

    private static bool TryRead(int pid, out (int Parent, long Own, long Ended) stat)
    {
        stat = default;
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            // The second field is the program's name in brackets, which may itself hold blanks and brackets.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            stat = (int.Parse(fields[1], CultureInfo.InvariantCulture), Ticks(11) + Ticks(12), Ticks(13) + Ticks(14));
            return true;

            long Ticks(int field) => long.Parse(fields[field], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
