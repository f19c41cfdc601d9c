package dev.fescue;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * A watch. It remembers which keys are there: after a reconnection the broker tells those that are still, and the others
 * are told as deleted.
 */
final class Watching extends Feed<Incoming.Changed> {
    private static final byte[] NOTHING = {};

    private final Set<String> known = new HashSet<>();
    private Set<String> missing = new TreeSet<>(); // known keys that this link has not told yet

    private Watching(String filter, Asking asking) {
        super(Type.WATCH, filter, Integer.MAX_VALUE, false, asking);
    }

    /** A watch that first tells the present keys. */
    static Watching of(String filter) {
        Watching[] self = new Watching[1];
        self[0] = new Watching(filter, (id, capabilities) -> {
            self[0].begin();
            return Frames.watch(id, filter, Frames.WITH_PRESENT);
        });
        return self[0];
    }

    /** The present keys are told from the beginning. */
    private synchronized void begin() {
        missing = new TreeSet<>(known);
    }

    @Override
    synchronized boolean push(Incoming.Changed change) {
        switch (Change.Kind.values()[change.kind()]) {
            case PUT -> {
                known.add(change.key());
                missing.remove(change.key());
            }
            case END -> vanished(change);
            default -> {
                known.remove(change.key());
                missing.remove(change.key());
            }
        }
        return super.push(change);
    }

    /** Tells of the keys that went while there was no link. */
    private void vanished(Incoming.Changed end) {
        for (String key : missing) {
            known.remove(key);
            super.push(new Incoming.Changed(Change.Kind.DELETED.ordinal(), end.revision(), end.time(), key, NOTHING));
        }
        missing.clear();
    }
}
