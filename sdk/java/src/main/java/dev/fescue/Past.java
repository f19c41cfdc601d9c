package dev.fescue;

import java.time.Instant;

/** A message that was kept. */
public class Past extends Message {
    private final long sequence;
    private final long time;

    Past(String topic, byte[] payload, long sequence, long time) {
        super(topic, payload);
        this.sequence = sequence;
        this.time = time;
    }

    /** Its number in its kept topic: it rises, with gaps. */
    public long sequence() {
        return sequence;
    }

    /** When it was published. */
    public Instant time() {
        return Instant.ofEpochMilli(time);
    }
}
