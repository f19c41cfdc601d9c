package dev.fescue;

import java.util.ArrayList;
import java.util.List;

/** Somebody waits for the answer to one frame. */
class Waiter {
    private boolean done;
    private Object value;
    private FescueException error;
    private Waiter other; // waits for the same answer

    /** A waiter for which items come before the answer. */
    static final class Collecting extends Waiter {
        private final List<Past> items = new ArrayList<>();

        synchronized void add(Past item) {
            items.add(item);
        }

        synchronized List<Past> items() {
            return items;
        }
    }

    /** Another one who waits for the same answer. */
    synchronized void andThen(Waiter another) {
        other = another;
    }

    /** Sets the outcome; the first one counts. */
    void resolve(Object answer, FescueException refusal) {
        Waiter next;
        synchronized (this) {
            if (!done) {
                value = answer;
                error = refusal;
                done = true;
                notifyAll();
            }
            next = other;
            other = null;
        }
        if (next != null) {
            next.resolve(answer, refusal);
        }
    }

    synchronized boolean isDone() {
        return done;
    }

    /** Waits so many ms, 0: without end; whether it is done. */
    synchronized boolean await(long timeout) {
        long deadline = System.nanoTime() + timeout * 1_000_000;
        while (!done) {
            long left = (deadline - System.nanoTime() + 999_999) / 1_000_000;
            if (timeout > 0 && left <= 0) {
                break;
            }
            try {
                wait(timeout > 0 ? left : 0);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FescueException.Interrupted();
            }
        }
        return done;
    }

    /** The answer that is there; throws the error that was answered. */
    synchronized Object outcome() {
        if (error != null) {
            error.setStackTrace(Thread.currentThread().getStackTrace()); // it was made in another thread
            throw error;
        }
        return value;
    }
}
