package dev.fescue;

import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Function;

/**
 * Messages, deliveries or changes: iterate over it to take them, in as many threads as you like.
 *
 * <p>The iteration waits for the next one and lasts over reconnections. It ends when the subscription or the client is
 * closed, and throws {@link FescueException.Denied} if the permission is taken away.
 *
 * @param <T> {@link Message}, {@link Delivery} or {@link Change}
 */
public final class Subscription<T> implements Iterable<T>, AutoCloseable {
    private final Session session;
    private final Feed<?> feed;
    private final Function<Object, T> made;

    Subscription(Session session, Feed<?> feed, Function<Object, T> made) {
        this.session = session;
        this.feed = feed;
        this.made = made;
    }

    private Optional<T> poll(long timeout) {
        return Optional.ofNullable(feed.poll(timeout)).map(made);
    }

    /** The next one; empty after the time-out, or when the subscription is closed. */
    public Optional<T> next(Duration timeout) {
        return poll(Math.max(1, timeout.toMillis()));
    }

    @Override
    public Iterator<T> iterator() {
        return new Iterator<T>() {
            private Optional<T> ahead = Optional.empty();

            @Override
            public boolean hasNext() {
                if (ahead.isEmpty()) {
                    ahead = poll(0);
                }
                return ahead.isPresent();
            }

            @Override
            public T next() {
                if (!hasNext()) {
                    throw new NoSuchElementException("the subscription is closed");
                }
                T item = ahead.get();
                ahead = Optional.empty();
                return item;
            }
        };
    }

    /** Lets the broker send so many messages more; for subscriptions made with {@link SubscribeOptions#credit}. */
    public void credit(int messages) {
        if (!(feed instanceof Credited credited)) {
            throw new IllegalStateException("this subscription was not made with credit");
        }
        if (messages < 1) {
            throw new IllegalArgumentException("credit of " + messages);
        }
        credited.grant(messages);
        session.post(Frames.credit(feed.id, messages));
    }

    /** Ends it; what has arrived can still be taken. */
    @Override
    public void close() {
        if (feed.hasEnded()) {
            return;
        }
        try {
            session.ask("UNSUBSCRIBE", waiter -> session.core.close(feed, waiter));
        } catch (FescueException.Closed e) {
            feed.end(null);
        }
    }
}
