package dev.fescue;

/** What happened to a key of the application's store. */
public final class Change extends Value {
    /** Kinds of changes. */
    public enum Kind {
        /** The key was written. */
        PUT,
        /** The key was removed. */
        DELETED,
        /** The key's time to live is over. */
        EXPIRED,
        /** All keys that were there have been told. */
        END
    }

    private final Kind kind;
    private final String key;

    Change(Incoming.Changed c) {
        super(c.revision(), c.time(), c.value());
        this.kind = Kind.values()[c.kind()];
        this.key = c.key();
    }

    /** What happened. */
    public Kind kind() {
        return kind;
    }

    /** The key, "" at the end of the present keys. */
    public String key() {
        return key;
    }
}
