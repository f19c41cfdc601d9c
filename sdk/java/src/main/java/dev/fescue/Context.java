package dev.fescue;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Who called the handler, with what, and for how long; and what it can do besides returning. */
public final class Context {
    private static final int NO_LIMIT = Integer.MAX_VALUE;

    private final Serving serving;
    private final long timeout; // in ms; 0 is none
    private long deadline; // in nanoseconds
    private final byte[][] packed; // names and values of the attributes, in turn
    private Map<String, String> attributes;
    private volatile boolean cancelled;
    private Output output;
    final long invocation;
    private final byte[] payload;

    Context(Serving serving, long invocation, Incoming.Invocation event) {
        this.serving = serving;
        this.invocation = invocation;
        this.timeout = event.timeout();
        this.packed = event.attributes();
        this.payload = event.payload();
    }

    /** The event's bytes. */
    public byte[] payload() {
        return payload;
    }

    /** The event's attributes by CloudEvents' names; see also the methods below. */
    public synchronized Map<String, String> attributes() {
        if (attributes == null) {
            Map<String, String> map = new LinkedHashMap<>();
            for (int i = 0; i < packed.length; i += 2) {
                map.put(new String(packed[i], StandardCharsets.UTF_8), new String(packed[i + 1], StandardCharsets.UTF_8));
            }
            attributes = Collections.unmodifiableMap(map);
        }
        return attributes;
    }

    private String attribute(String name) {
        return attributes().getOrDefault(name, "");
    }

    /** The event's id; unique together with {@link #source}. */
    public String id() {
        return attribute("id");
    }

    /** Where the event comes from. */
    public String source() {
        return attribute("source");
    }

    /** What kind of event it is. */
    public String type() {
        return attribute("type");
    }

    /** When it happened, RFC 3339. */
    public String time() {
        return attribute("time");
    }

    /** What it is about: the topic, for a message. */
    public String subject() {
        return attribute("subject");
    }

    /** The topic the message came on, or "" if no message called the handler. */
    public String topic() {
        return subject();
    }

    /** The number of this invocation, as the broker knows it. */
    public long invocationId() {
        return invocation;
    }

    /** The application's name. */
    public String application() {
        return Worker.environment("FESCUE_APPLICATION");
    }

    /** The application's version. */
    public String version() {
        return Worker.environment("FESCUE_VERSION");
    }

    /** The name of the device this runs on. */
    public String device() {
        return Worker.environment("FESCUE_DEVICE");
    }

    /** Milliseconds until the time is up, 0 if it is; without a limit {@link Integer#MAX_VALUE}. */
    public int remainingTimeInMillis() {
        if (timeout == 0) {
            return NO_LIMIT;
        }
        return (int) Math.max(0, Math.min(NO_LIMIT, (deadline - System.nanoTime()) / 1_000_000));
    }

    /** Whether nobody waits any longer (seen by handlers that run beside others). */
    public boolean isCancelled() {
        return cancelled;
    }

    /** Its time begins. */
    void begin() {
        deadline = System.nanoTime() + timeout * 1_000_000;
    }

    void cancel() {
        cancelled = true;
        if (made() != null) {
            made().wake();
        }
    }

    /**
     * Publishes a message. The first time on a topic it waits for the broker's permission; throws
     * {@link FescueException.Denied}, {@link FescueException.InvalidTopic} or {@link FescueException.TooLarge}.
     */
    public void publish(String topic, byte[] payload) {
        serving.publish(topic, payload);
    }

    /** Publishes a text, in UTF-8. */
    public void publish(String topic, String payload) {
        serving.publish(topic, payload.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Calls another function of this device, and gives what it returned. The configuration grants it:
     * {@code resources: {invoke: [function]}}. Throws {@link FescueException.Denied}, {@link FescueException.Remote} (it failed)
     * or {@link FescueException.Timeout}.
     */
    public byte[] invoke(String function, byte[] event, Duration timeout) {
        return request("$fescue/invoke/" + function, event, timeout);
    }

    /**
     * Asks whoever answers on a topic. Throws {@link FescueException.NoResponder} (at once), {@link FescueException.Timeout},
     * {@link FescueException.Remote} (the responder failed) or {@link FescueException.Denied}.
     */
    public byte[] request(String topic, byte[] payload, Duration timeout) {
        return serving.request(topic, payload, Math.min(Math.max(1, timeout.toMillis()), 0xffffffffL));
    }

    /**
     * Publishes on a kept topic, and waits until the message is on disk. Throws {@link FescueException.NotKept},
     * {@link FescueException.Quota} or {@link FescueException.Denied}.
     */
    public void store(String topic, byte[] payload) {
        serving.store(topic, payload);
    }

    /**
     * Kept messages of the past in order of their arrival, at most so many (0: 1000); from and until may be null. Where there are more,
     * the oldest, or the newest.
     */
    public List<Past> history(String filter, Instant from, Instant until, int limit, boolean newest) {
        return serving.history(filter, newest, limit, from == null ? 0 : from.toEpochMilli(), until == null ? 0 : until.toEpochMilli());
    }

    /** What the application keeps on its device, over restarts and versions: keys and values. */
    public KeyValue state() {
        return new KeyValue(serving);
    }

    /**
     * Where the answer can be written while it is made: what was written goes out by flush, or with 64 KiB; writing waits while the caller
     * reads more slowly, and throws IOException when nobody waits any longer. What the handler returns is the last piece.
     */
    public OutputStream output() {
        return output(0, Map.of());
    }

    /** {@link #output()} with the status and the headers of an answer over HTTP. Only the first call of either counts. */
    public synchronized OutputStream output(int status, Map<String, String> headers) {
        if (output == null) {
            output = new Output(serving, this, status, headers);
        }
        return output;
    }

    /** What was made by the methods above, or null. */
    synchronized Output made() {
        return output;
    }

    /** Writes a line to the application's log. */
    public void log(LogLevel level, String text) {
        serving.send(Frames.log(level, text));
    }
}
