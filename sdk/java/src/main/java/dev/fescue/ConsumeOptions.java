package dev.fescue;

import java.time.Duration;
import java.time.Instant;

/**
 * How a kept topic is consumed; see {@link Client#consume(String, String, ConsumeOptions)}. Each method changes this object and gives it back:
 * {@code new ConsumeOptions().fromOldest().window(16)}.
 */
public final class ConsumeOptions {
    int start;
    long from;
    int window;
    long patience;
    int attempts;
    String deadLetter = "";

    /** Nothing said. */
    public ConsumeOptions() {}

    /** Where a new place begins: with what comes from now on (so if nothing is said), or with the oldest message kept. */
    public ConsumeOptions fromOldest() {
        start = 1;
        return this;
    }

    /** A new place begins with the first message not before this. */
    public ConsumeOptions from(Instant time) {
        start = 2;
        from = time.toEpochMilli();
        return this;
    }

    /** How many messages may be unanswered; 64 if nothing is said. */
    public ConsumeOptions window(int messages) {
        window = within("window", messages, 1, 0xffff);
        return this;
    }

    /** How long the broker waits for an answer until it delivers again; 30 s if nothing is said. */
    public ConsumeOptions patience(Duration time) {
        patience = Math.max(1, Math.min(time.toMillis(), 0xffffffffL));
        return this;
    }

    /** How often a message is delivered at most; without end if nothing is said. */
    public ConsumeOptions attempts(int times) {
        attempts = within("attempts", times, 1, 0xffff);
        return this;
    }

    /** Where a message goes that had its attempts or was rejected; if nothing is said it is dropped, counted and logged. */
    public ConsumeOptions deadLetter(String topic) {
        deadLetter = topic;
        return this;
    }

    private static int within(String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(what + " " + value + ": it is " + least + " to " + most);
        }
        return value;
    }
}
