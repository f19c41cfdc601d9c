package dev.fescue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The application's durable store, from keys to values, as a function's context has it. */
public class KeyValue {
    private static final long ALWAYS = -1; // no condition

    /** Who sends a frame and waits for its answer: a client's session, or a function's worker. */
    interface Asker {
        Object ask(String what, int type, Core.Asking asking);

        List<String> keys(String filter);
    }

    private final Asker asker;

    KeyValue(Asker asker) {
        this.asker = asker;
    }

    /** The value of a key, if there is one. */
    public Optional<Value> get(String key) {
        Frames.checkTopic(key);
        try {
            Incoming.Value v = (Incoming.Value) asker.ask("GET", Type.GET, id -> Frames.text(Type.GET, id, key));
            return Optional.of(new Value(v.revision(), v.time(), v.value()));
        } catch (FescueException e) {
            if (e.number() == Code.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Writes a key, and gives its new revision once that is on disk. */
    public long put(String key, byte[] value) {
        return put(key, value, Duration.ZERO, ALWAYS);
    }

    /** Writes a key that vanishes after this time, in whole seconds. */
    public long put(String key, byte[] value, Duration timeToLive) {
        return put(key, value, timeToLive, ALWAYS);
    }

    /**
     * Writes a key only if it still has this revision (0: only if there is no such key); throws
     * {@link FescueException.Conflict} if not.
     */
    public long putIf(String key, byte[] value, long revision) {
        return put(key, value, Duration.ZERO, revision);
    }

    private long put(String key, byte[] value, Duration timeToLive, long revision) {
        Frames.checkTopic(key);
        return (Long) asker.ask("PUT", Type.PUT, id -> Frames.put(id, key, value, timeToLive.toSeconds(), revision));
    }

    /** Removes a key, which need not be there. */
    public void delete(String key) {
        deleteIf(key, ALWAYS);
    }

    /** Removes a key only if it still has this revision; throws {@link FescueException.Conflict} if not. */
    public void deleteIf(String key, long revision) {
        Frames.checkTopic(key);
        asker.ask("DELETE", Type.DELETE, id -> Frames.delete(id, key, revision));
    }

    /** The keys that match a filter (as of topics). */
    public List<String> keys(String filter) {
        return asker.keys(filter);
    }
}
