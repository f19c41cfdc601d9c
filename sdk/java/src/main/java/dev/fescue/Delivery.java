package dev.fescue;

import java.time.Duration;

/** A message of a kept topic that is delivered until it is answered: by {@link #done}, {@link #again} or {@link #reject}. */
public final class Delivery extends Past {
    private static final int MAYBE_BEFORE = 1;
    private static final long OWN_DELAY = 0xffffffffL; // the broker's

    private final Session session;
    private final Feed<?> feed;
    private final int attempt;
    private final boolean maybeBefore;

    Delivery(Session session, Feed<?> feed, Incoming.Delivered d) {
        super(d.topic(), d.payload(), d.sequence(), d.time());
        this.session = session;
        this.feed = feed;
        this.attempt = d.attempt();
        this.maybeBefore = (d.flags() & MAYBE_BEFORE) != 0;
    }

    /** Counts from 1. */
    public int attempt() {
        return attempt;
    }

    /** Whether it may have been delivered before. */
    public boolean maybeBefore() {
        return maybeBefore;
    }

    /** It is done, and will not come again. */
    public void done() {
        answer(0, 0);
    }

    /** It shall come again, after a time that grows with each attempt. */
    public void again() {
        answer(1, OWN_DELAY);
    }

    /** It shall come again after this time. */
    public void again(Duration delay) {
        answer(1, Math.min(delay.toMillis(), OWN_DELAY - 1));
    }

    /** It cannot be done: it goes to the dead letter topic at once. */
    public void reject() {
        answer(2, 0);
    }

    /** It takes longer: the broker's patience begins anew. */
    public void stillAtIt() {
        answer(3, 0);
    }

    private void answer(int verdict, long delay) {
        session.post(Frames.ack(feed.id, sequence(), verdict, delay));
    }
}
