using Ingest.Node.Cluster;
using Ingest.Node.DeadLetters;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>The node's connections to PostgreSQL, and the tables of its own that it needs there.</summary>
internal static class Database
{
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(5);

    /// <summary>The connections for lanes and catalog; those of the actor system's journal are its own.</summary>
    public static NpgsqlDataSource CreateDataSource(string connectionString, WritingOptions options)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            MaxPoolSize = options.MaxConnections,
            // A server that is gone must be told from one that is slow; rows wait here in the meantime.
            Timeout = 5,
            CommandTimeout = (int)Math.Ceiling(options.AttemptTimeout.TotalSeconds),
            // Commands of the flush are few and always the same.
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 2,
            // Nothing that a lane does outlives its transaction, but for staging tables, which are to be kept.
            NoResetOnClose = true,
            // Where several statements go out at once, the one that failed says what the error means.
            IncludeFailedBatchedCommand = true,
            // A COPY goes out in pieces of this size: 8 KiB, the default, costs a system call for every hundred rows.
            WriteBufferSize = 32 * 1024,
        };
        // Whoever gives the node a name finds its sessions by that name in pg_stat_activity.
        settings.ApplicationName ??= "ingest";
        // What values look like as text must not depend on the database's or the role's settings.
        var setup = $"""
            SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres';
            SET bytea_output = 'hex'; SET extra_float_digits = 1; SET standard_conforming_strings = on;
            SET client_min_messages = warning;
            SET lock_timeout = {(long)options.LockTimeout.TotalMilliseconds};
            SET idle_in_transaction_session_timeout = {(long)(options.AttemptTimeout * 2).TotalMilliseconds};
            SELECT set_config('client_connection_check_interval', '500', false)
            WHERE current_setting('server_version_num')::int >= 140000
            """;
        // The name of its pool in metrics, which would be the connection string otherwise.
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = "ingest" };
#pragma warning disable NPG9001 // FieldArrayMapping says why.
        builder.AddTypeInfoResolverFactory(new FieldArrayMapping());
#pragma warning restore NPG9001
        builder.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = new NpgsqlCommand(setup, connection);
                command.ExecuteNonQuery();
            },
            async connection =>
            {
                await using var command = new NpgsqlCommand(setup, connection);
                await command.ExecuteNonQueryAsync();
            });
        return builder.Build();
    }

    /// <summary>Makes the ledger's tables where they are missing.</summary>
    /// <param name="others">Definitions of tables of others, to be made with them.</param>
    /// <exception cref="SettingsException">The database cannot hold what it is to hold.</exception>
    public static async Task PrepareAsync(
        NpgsqlDataSource dataSource, CancellationToken cancellation, string others = "")
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellation);
        // In another one a verdict or a dead letter might not be kept, for a character that it does not have.
        if (connection.PostgresParameters["server_encoding"] is not "UTF8" and var encoding)
            throw new SettingsException($"The database's encoding must be UTF8, not {encoding}.");
        await CreateAsync(
            connection,
            $"{Ledger.Tables} {JournalMarks.Tables} {IdempotencyTable.Tables} {LetterTable.Tables} {others}",
            cancellation);
    }

    /// <summary>Makes what the journal needs on a server of its own, where its plugin then makes its tables.</summary>
    public static async Task PrepareJournalAsync(string connectionString, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellation);
        await CreateAsync(connection, "", cancellation);
    }

    /// <summary>Makes the schema, and tables in it, where they are missing.</summary>
    private static async Task CreateAsync(NpgsqlConnection connection, string tables, CancellationToken cancellation)
    {
        // A role that owns the schema but may not create one is refused even where it exists: look first.
        await using var look = new NpgsqlCommand("SELECT to_regnamespace('ingest') IS NULL", connection);
        var schema = await look.ExecuteScalarAsync(cancellation) is true ? "CREATE SCHEMA IF NOT EXISTS ingest;" : "";
        // Nodes that start together must not create the same tables side by side; the number spells the product's name.
        await using var create = new NpgsqlCommand(
            $"BEGIN; SELECT pg_advisory_xact_lock(115922902020980); {schema} {tables} COMMIT", connection);
        await create.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Repeats a step of the start-up until the database answers, and says what it waits for.</summary>
    public static async Task WaitForAsync(
        Func<CancellationToken, Task> step, ILogger logger, TimeProvider time, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await step(cancellation);
                return;
            }
            catch (NpgsqlException error) when (error is not PostgresException { IsTransient: false })
            {
                DatabaseLog.Waiting(logger, SqlErrors.ReasonOf(error));
                await Task.Delay(RetryEvery, time, cancellation);
            }
        }
    }
}

internal static partial class DatabaseLog
{
    [LoggerMessage(4001, LogLevel.Warning, "Waiting for PostgreSQL: {Reason}")]
    public static partial void Waiting(ILogger logger, string reason);
}
