package dev.fescue;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * What keeps arriving under one id: the messages of a subscription, the deliveries of a kept topic, the changes of a
 * watch. A feed outlives the link: after a reconnection its frame is sent again. Safe for several threads.
 */
class Feed<T> {
    /** Makes the frame that asks for a feed. */
    interface Asking {
        byte[] frame(long id, int capabilities);
    }

    final int type;
    final String filter;
    final Asking asking;
    volatile long id;
    long told; // when dropping was last told
    private final int room;
    private final boolean dropOldest;
    private final ArrayDeque<T> waiting = new ArrayDeque<>();
    private Consumer<T> handler;
    private Executor executor;
    private boolean sideBySide;
    private boolean pumping;
    private boolean ended;
    private FescueException error;

    /** At most room items wait; then the oldest is dropped, or the new one. */
    Feed(int type, String filter, int room, boolean dropOldest, Asking asking) {
        this.type = type;
        this.filter = filter;
        this.room = room;
        this.dropOldest = dropOldest;
        this.asking = asking;
    }

    /** Lets a handler have the items instead of whoever polls: one after the other, or side by side. */
    void handle(Consumer<T> with, Executor by, boolean together) {
        handler = with;
        executor = by;
        sideBySide = together;
    }

    boolean isHandled() {
        return handler != null;
    }

    int endType() {
        return type == Type.WATCH ? Type.UNWATCH : Type.UNSUBSCRIBE;
    }

    /** An item was taken; for feeds by credit. */
    void taken() {}

    /** An item has arrived. False if that, or an older one, was dropped. */
    boolean push(T item) {
        if (handler != null && sideBySide) {
            executor.execute(() -> handler.accept(item));
            return true;
        }
        synchronized (this) {
            boolean full = waiting.size() >= room;
            if (full && !dropOldest) {
                return false;
            }
            if (full) {
                waiting.poll();
            }
            waiting.add(item);
            if (handler == null) {
                notify();
            } else if (!pumping) {
                pumping = true;
                executor.execute(this::pump);
            }
            return !full;
        }
    }

    /** Hands what waits to the handler. */
    private void pump() {
        for (T item = next(); item != null; item = next()) {
            try {
                handler.accept(item);
            } catch (RuntimeException e) {
                e.printStackTrace(); // the application's log
            }
            taken();
        }
    }

    private synchronized T next() {
        T item = waiting.poll();
        pumping = item != null;
        return item;
    }

    /**
     * The next item; null after so many ms (0: without end), or when the feed has ended. Throws what ended it, once
     * nothing waits any more.
     */
    T poll(long timeout) {
        T item = await(timeout);
        if (item != null) {
            taken();
        }
        return item;
    }

    private synchronized T await(long timeout) {
        long deadline = System.nanoTime() + timeout * 1_000_000;
        while (waiting.isEmpty() && !ended) {
            long left = (deadline - System.nanoTime() + 999_999) / 1_000_000;
            if (timeout > 0 && left <= 0) {
                return null;
            }
            try {
                wait(timeout > 0 ? left : 0);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FescueException.Interrupted();
            }
        }
        if (waiting.isEmpty() && error != null) {
            throw error;
        }
        return waiting.poll();
    }

    synchronized boolean hasEnded() {
        return ended;
    }

    /** No more items will come; what has arrived can still be taken. */
    synchronized void end(FescueException why) {
        if (!ended) {
            ended = true;
            error = why;
            notifyAll();
        }
    }
}
