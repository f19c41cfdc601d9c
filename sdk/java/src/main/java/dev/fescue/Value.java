package dev.fescue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** A value of the application's store. */
public class Value {
    private final long revision;
    private final long time;
    private final byte[] bytes;

    Value(long revision, long time, byte[] bytes) {
        this.revision = revision;
        this.time = time;
        this.bytes = bytes;
    }

    /** The number of the change that made it: it rises throughout the store. */
    public long revision() {
        return revision;
    }

    /** When it was written. */
    public Instant time() {
        return Instant.ofEpochMilli(time);
    }

    /** Its bytes. */
    public byte[] bytes() {
        return bytes;
    }

    /** Its bytes as UTF-8. */
    public String text() {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
