package dev.fescue;

/** Somebody waits for the answer to one frame. */
final class Waiter {
    private boolean done;
    private Object value;
    private FescueException error;

    /** Sets the outcome; the first one counts. */
    synchronized void resolve(Object value, FescueException error) {
        if (!done) {
            this.value = value;
            this.error = error;
            done = true;
            notifyAll();
        }
    }

    synchronized boolean isDone() {
        return done;
    }

    /** The answer, once it is there; throws the error that was answered. */
    synchronized Object get() {
        await(0);
        return outcome();
    }

    /** Waits so many ms, 0: without end; whether it is done. */
    synchronized boolean await(long timeout) {
        long deadline = System.nanoTime() + timeout * 1_000_000;
        boolean interrupted = false;
        while (!done) {
            long left = (deadline - System.nanoTime()) / 1_000_000 + 1;
            if (timeout > 0 && left <= 0) {
                break;
            }
            try {
                wait(timeout > 0 ? left : 0);
            } catch (InterruptedException e) {
                interrupted = true; // the answer decides; the interruption is kept for who can obey it
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return done;
    }

    synchronized Object outcome() {
        if (error != null) {
            error.setStackTrace(Thread.currentThread().getStackTrace()); // it was made in another thread
            throw error;
        }
        return value;
    }
}
