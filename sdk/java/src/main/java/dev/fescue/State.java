package dev.fescue;

import java.util.ArrayList;
import java.util.List;

/** The application's durable store, from keys to values, as a client has it. */
public final class State extends KeyValue {
    private final Session session;

    State(Session session) {
        super(new SessionAsker(session));
        this.session = session;
    }

    /**
     * The changes of keys that match a filter (as of topics): first the present keys, then a change of kind END, then what
     * happens. After a reconnection the present keys are told again, and before the END, as DELETED, those that were there
     * before and are not.
     */
    public Subscription<Change> watch(String filter) {
        Feed<Incoming.Changed> feed = Watching.of(filter);
        open(session, feed);
        return new Subscription<>(session, feed, item -> new Change((Incoming.Changed) item));
    }

    private record SessionAsker(Session session) implements Asker {
        @Override
        public Object ask(String what, int type, Core.Asking asking) {
            session.check();
            return session.ask(what, waiter -> {
                session.core.need(Frames.STATE, "state");
                return session.core.ask(type, waiter, asking);
            });
        }

        @Override
        public List<String> keys(String filter) {
            Listing listing = new Listing(filter, (id, capabilities) -> Frames.watch(id, filter, Frames.LISTING));
            open(session, listing);
            List<String> keys = new ArrayList<>();
            for (Incoming.Changed c = listing.poll(0); c != null && c.kind() != Change.Kind.END.ordinal(); c = listing.poll(0)) {
                keys.add(c.key());
            }
            return keys;
        }
    }

    private static void open(Session session, Feed<?> feed) {
        session.check();
        session.ask("WATCH", waiter -> {
            session.core.need(Frames.STATE, "state");
            return session.core.open(feed, waiter);
        });
    }
}
