// Npgsql calls its API for types of one's own experimental (NPG9001), and has no other way to send bytes that are
// encoded already as a parameter of any type. What is used of it is in this file alone.
#pragma warning disable NPG9001
using Npgsql.Internal;
using Npgsql.Internal.Postgres;

namespace Ingest.Node.Writing;

/// <summary>Teaches Npgsql to send a <see cref="FieldArray"/> as a parameter of the type that it names.</summary>
internal sealed class FieldArrayMapping : PgTypeInfoResolverFactory, IPgTypeInfoResolver
{
    public override IPgTypeInfoResolver CreateResolver() => this;

    public override IPgTypeInfoResolver? CreateArrayResolver() => null;

    public PgTypeInfo? GetTypeInfo(Type? type, DataTypeName? dataTypeName, PgSerializerOptions options) =>
        type == typeof(FieldArray) ? new PgResolverTypeInfo(options, new Resolver(), null) : null;

    private sealed class Resolver : PgConverterResolver<FieldArray>
    {
        private static readonly Converter Shared = new();

        // Npgsql wants an answer without a value, too, and never uses it where there is one.
        public override PgConverterResolution GetDefault(PgTypeId? pgTypeId) =>
            new(Shared, pgTypeId ?? Oid.Unspecified);

        public override PgConverterResolution? Get(FieldArray value, PgTypeId? expectedPgTypeId) =>
            new PgConverterResolution(Shared, (Oid)value.TypeOid);
    }

    private sealed class Converter() : PgStreamingConverter<FieldArray>(customDbNullPredicate: false)
    {
        public override Size GetSize(SizeContext context, FieldArray value, ref object? writeState) =>
            value.Bytes.Length;

        public override void Write(PgWriter writer, FieldArray value) => writer.WriteBytes(value.Bytes.Span);

        public override ValueTask WriteAsync(
            PgWriter writer, FieldArray value, CancellationToken cancellationToken = default) =>
            writer.WriteBytesAsync(value.Bytes, cancellationToken);

        public override FieldArray Read(PgReader reader) => throw NotRead();

        public override ValueTask<FieldArray> ReadAsync(
            PgReader reader, CancellationToken cancellationToken = default) => throw NotRead();

        private static NotSupportedException NotRead() => new("A field array is only ever sent.");
    }
}
