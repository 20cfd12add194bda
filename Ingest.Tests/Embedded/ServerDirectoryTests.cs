// CA1416: what is tested here does not exist on Windows.
#pragma warning disable CA1416

using Ingest.Node.Embedded;
using Ingest.Tests.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ingest.Tests.Embedded;

/// <summary>Data directories that cannot be used, and what the one who reads the message can do about it.</summary>
public sealed class ServerDirectoryTests : IDisposable
{
    private const UnixFileMode OwnerOnly =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly TemporaryDirectory temporary = new();

    public void Dispose() => temporary.Dispose();

    [RootFact]
    public async Task Should_name_the_directory_that_the_servers_user_cannot_enter()
    {
        var closed = Path.Combine(temporary.Path, "closed");
        Directory.CreateDirectory(closed, OwnerOnly);

        var message = await RefusalAsync(Path.Combine(closed, "data"));

        Assert.Contains($"cannot enter {closed}:", message, StringComparison.Ordinal);
        Assert.Contains($"chmod o+x {closed}", message, StringComparison.Ordinal);
    }

    [RootFact]
    public async Task Should_give_the_cluster_to_the_servers_user_but_keep_the_lock()
    {
        var data = Path.Combine(temporary.Path, "data");
        await using (await StartAsync(data))
        {
        }

        Assert.NotEqual("0", await OwnerAsync(Path.Combine(data, "postgres", "cluster")));
        Assert.Equal("0", await OwnerAsync(Path.Combine(data, "postgres", "lock")));
    }

    [Fact]
    public async Task Should_say_that_the_password_is_gone()
    {
        await using (await StartAsync(temporary.Path))
        {
        }
        File.Delete(Path.Combine(temporary.Path, "postgres", "password"));

        Assert.Contains("password", await RefusalAsync(temporary.Path), StringComparison.Ordinal);
        Assert.Null(Postmaster.Read(Path.Combine(temporary.Path, "postgres", "cluster")));
    }

    [Fact]
    public async Task Should_not_write_over_a_cluster_that_it_does_not_understand()
    {
        var cluster = Path.Combine(temporary.Path, "postgres", "cluster");
        Directory.CreateDirectory(cluster);
        await File.WriteAllTextAsync(Path.Combine(cluster, "precious"), "data");

        Assert.Contains("has no PG_VERSION", await RefusalAsync(temporary.Path), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(cluster, "precious")));
    }

    [Fact]
    public async Task Should_say_that_the_data_directory_is_a_file()
    {
        var file = Path.Combine(temporary.Path, "file");
        await File.WriteAllTextAsync(file, "");

        Assert.Contains("cannot be used", await RefusalAsync(file), StringComparison.Ordinal);
    }

    private static async Task<string> RefusalAsync(string data)
    {
        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync(data));
        Assert.DoesNotContain('\n', refusal.Message);
        return refusal.Message;
    }

    private static async Task<string> OwnerAsync(string path) =>
        (await Command.RunAsync(["ls", "-nd", path], CancellationToken.None)).Output.Split(
            ' ', StringSplitOptions.RemoveEmptyEntries)[2];

    private static Task<EmbeddedPostgres> StartAsync(string data) => EmbeddedPostgres.StartAsync(
        new EmbeddedPostgresOptions { DataDirectory = data },
        NullLogger.Instance, TimeProvider.System, CancellationToken.None);
}
