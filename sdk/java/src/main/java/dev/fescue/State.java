package dev.fescue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The application's durable store, from keys to values. */
public final class State {
    private static final long ALWAYS = -1; // no condition

    private final Session session;

    State(Session session) {
        this.session = session;
    }

    private Object ask(String what, int type, Core.Asking asking) {
        session.check();
        return session.ask(what, waiter -> {
            session.core.need(Frames.STATE, "state");
            return session.core.ask(type, waiter, asking);
        });
    }

    /** The value of a key, if there is one. */
    public Optional<Value> get(String key) {
        Frames.checkTopic(key);
        try {
            Incoming.Value v = (Incoming.Value) ask("GET", Type.GET, id -> Frames.text(Type.GET, id, key));
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
        return (Long) ask("PUT", Type.PUT, id -> Frames.put(id, key, value, timeToLive.toSeconds(), revision));
    }

    /** Removes a key, which need not be there. */
    public void delete(String key) {
        deleteIf(key, ALWAYS);
    }

    /** Removes a key only if it still has this revision; throws {@link FescueException.Conflict} if not. */
    public void deleteIf(String key, long revision) {
        Frames.checkTopic(key);
        ask("DELETE", Type.DELETE, id -> Frames.delete(id, key, revision));
    }

    /**
     * The changes of keys that match a filter (as of topics): first the present keys, then a change of kind END, then what
     * happens. After a reconnection the present keys are told again.
     */
    public Subscription<Change> watch(String filter) {
        Feed<Incoming.Changed> feed = new Feed<>(Type.WATCH, filter, Integer.MAX_VALUE, false,
            (id, capabilities) -> Frames.watch(id, filter, Frames.WITH_PRESENT));
        open(feed);
        return new Subscription<>(session, feed, item -> new Change((Incoming.Changed) item));
    }

    /** The keys that match a filter. */
    public List<String> keys(String filter) {
        Listing listing = new Listing(filter,
            (id, capabilities) -> Frames.watch(id, filter, Frames.WITH_PRESENT | Frames.ONLY_PRESENT | Frames.KEYS_ONLY));
        open(listing);
        List<String> keys = new ArrayList<>();
        for (Incoming.Changed c = listing.poll(0); c != null && c.kind() != Change.Kind.END.ordinal(); c = listing.poll(0)) {
            keys.add(c.key());
        }
        return keys;
    }

    private void open(Feed<?> feed) {
        session.check();
        session.ask("WATCH", waiter -> {
            session.core.need(Frames.STATE, "state");
            return session.core.open(feed, waiter);
        });
    }
}
