package dev.fescue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A session with Data Xchange that comes back by itself. One thread reads the link for all, and connects again when
 * it is lost; whoever sends writes it.
 */
final class Session {
    private static final long PAUSE = 100; // ms before the first attempt to connect again
    private static final long LONGEST_PAUSE = 2000;
    private static final long RETRY = 1; // ms until the reading thread tries again to write its answers

    final Core core = new Core();
    final long timeout;
    private final String address;
    private final String token;
    private final String name;
    private final long tokenPatience;
    private final Consumer<FescueException> onError;
    private final Thread thread = new Thread(this::live, "fescue");
    private final Deque<FescueException> late = new ArrayDeque<>(); // for the next call
    private Reader reader;
    private volatile Outlet outlet; // of a link that has been welcomed; changed under this object's lock
    private volatile boolean closing;
    private volatile FescueException fatal;
    private boolean over;
    private volatile boolean troubled; // whether there is something late

    Session(ClientOptions o, String name) {
        this.address = o.address != null ? o.address : environment("FESCUE_EXCHANGE");
        this.token = o.token != null ? o.token : Worker.environment("FESCUE_TOKEN");
        this.name = name;
        this.timeout = o.timeout;
        this.tokenPatience = o.tokenPatience;
        this.onError = o.onError;
    }

    private static String environment(String variable) {
        String value = Worker.environment(variable);
        if (value.isEmpty()) {
            throw new FescueException(variable + " is not set",
                "the agent sets it for the applications it starts: deploy this program with `fescue deploy`");
        }
        return value;
    }

    /** The first connection: its failure is the caller's. */
    void start() {
        connect();
        thread.setDaemon(true);
        thread.start();
    }

    // Connecting and reading: the first time in the caller's thread, then in this object's.

    /** A link, HELLO and WELCOME, and everything that was granted on the link before. */
    private void connect() {
        Link link = Link.open(address);
        try {
            reader = new Reader(core);
            Outlet made = new Outlet(link, timeout);
            made.send(core.hello(token, name));
            greet(link);
            adopt(made);
        } catch (RuntimeException e) {
            link.close();
            throw e;
        }
    }

    private synchronized void adopt(Outlet made) {
        if (closing) {
            throw new FescueException.Closed();
        }
        for (byte[] frame : core.resume()) {
            made.send(frame);
        }
        outlet = made;
        notifyAll();
    }

    private void greet(Link link) {
        long deadline = System.nanoTime() + timeout * 1_000_000;
        try {
            while (!core.isWelcomed()) {
                long left = (deadline - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    throw new FescueException.ConnectionLost("Data Xchange did not answer HELLO in time");
                }
                link.read(reader.room(), left);
                reader.take();
            }
        } catch (FescueException.ConnectionLost e) {
            throw core.refusal() == null ? e : core.refusal();
        }
    }

    private void live() {
        while (!over()) {
            Outlet current = outlet;
            if (current == null) {
                reconnect();
                continue;
            }
            try {
                read(current);
            } catch (FescueException.ConnectionLost | FescueException.Malformed e) {
                lost(current);
            } catch (RuntimeException e) {
                if (!closing) { // an executor that is shut down takes no handlers
                    e.printStackTrace();
                }
                lost(current);
            }
        }
    }

    private void read(Outlet current) {
        List<byte[]> answers = new ArrayList<>();
        while (true) {
            boolean relieved = current.relieve(answers);
            if (current.link().read(reader.room(), relieved ? 0 : RETRY)) {
                reader.take();
                answers.addAll(core.takeOutbox());
                core.takeLate().forEach(this::tell);
            }
        }
    }

    private void tell(FescueException error) {
        if (onError != null) {
            tellApplication(error);
        } else if (error instanceof FescueException.Overflow) {
            System.err.println("fescue: " + error.getMessage()); // the application's log
        } else {
            synchronized (late) {
                late.add(error);
                troubled = true;
            }
        }
    }

    private void tellApplication(FescueException error) {
        try {
            onError.accept(error);
        } catch (RuntimeException e) {
            e.printStackTrace(); // the application's log
        }
    }

    private synchronized void lost(Outlet link) {
        link.link().close();
        if (outlet == link) {
            outlet = null;
            core.lost();
            over = closing;
            notifyAll();
        }
    }

    private void reconnect() {
        long refusedSince = 0;
        for (long pause = PAUSE; !over(); pause = Math.min(2 * pause, LONGEST_PAUSE)) {
            pause(pause);
            try {
                connect();
                return;
            } catch (FescueException.Unauthenticated | FescueException.VersionMismatch e) {
                refusedSince = refusedSince == 0 ? System.nanoTime() : refusedSince;
                long patience = e instanceof FescueException.VersionMismatch ? 0 : tokenPatience * 1_000_000;
                if (System.nanoTime() - refusedSince >= patience) {
                    end(e);
                }
            } catch (FescueException e) {
                // Once more.
            }
        }
    }

    private synchronized void pause(long ms) {
        long deadline = System.nanoTime() + ms * 1_000_000;
        try {
            for (long left = ms; left > 0 && !closing; left = (deadline - System.nanoTime()) / 1_000_000) {
                wait(left);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("nobody interrupts this thread", e);
        }
        over |= closing;
    }

    private synchronized boolean over() {
        return over;
    }

    private synchronized void end(FescueException why) {
        fatal = why;
        over = true;
        core.end(why);
        notifyAll();
    }

    // Sending.

    /** Throws what happened since the last call and no call was told of. */
    void check() {
        checkUsable();
        if (troubled) {
            synchronized (late) {
                FescueException error = late.poll();
                troubled = !late.isEmpty();
                if (error != null) {
                    throw error;
                }
            }
        }
    }

    private void checkUsable() {
        if (fatal != null) {
            throw fatal;
        }
        if (closing) {
            throw new FescueException.Closed();
        }
    }

    /** The link, once there is one. */
    private Outlet need() {
        Outlet current = outlet;
        return current != null && !closing ? current : waitForLink();
    }

    private synchronized Outlet waitForLink() {
        long deadline = System.nanoTime() + timeout * 1_000_000;
        while (true) {
            checkUsable();
            if (outlet != null) {
                return outlet;
            }
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                throw new FescueException.ConnectionLost("there has been no link to Data Xchange for " + timeout + " ms");
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FescueException.Interrupted();
            }
        }
    }

    /** Sends a frame; if the link is lost, on the next one. */
    void send(byte[] frame) {
        while (true) {
            Outlet current = need();
            try {
                current.send(frame);
                return;
            } catch (FescueException.ConnectionLost e) {
                lost(current);
            }
        }
    }

    /** Sends a frame if there is a link; on another one nobody would know what it is about. */
    void post(byte[] frame) {
        Outlet current = outlet;
        try {
            if (current != null) {
                current.send(frame);
            }
        } catch (FescueException.ConnectionLost e) {
            lost(current);
        }
    }

    /** Sends a frame and waits for its answer. */
    Object ask(String what, Function<Waiter, byte[]> make) {
        return ask(what, timeout, new Waiter(), make);
    }

    /** Sends a frame and waits for its answer, so many ms. */
    Object ask(String what, long limit, Waiter waiter, Function<Waiter, byte[]> make) {
        begin(waiter, make);
        try {
            if (!waiter.await(limit)) {
                throw new FescueException.ConnectionLost("Data Xchange did not answer " + what + " within " + limit + " ms");
            }
        } finally {
            if (!waiter.isDone()) {
                core.forget(waiter);
            }
        }
        return waiter.outcome();
    }

    /** Sends a frame that somebody waits for. */
    void begin(Waiter waiter, Function<Waiter, byte[]> make) {
        Outlet current;
        byte[] frame;
        synchronized (this) { // so that the link is not lost, and another adopted, before this is among what is resumed
            checkUsable();
            current = need();
            frame = make.apply(waiter);
        }
        try {
            if (frame != null) {
                current.send(frame);
            }
        } catch (FescueException.ConnectionLost e) {
            lost(current); // which answers the waiter, or sends it on the next link
        }
    }

    // The end.

    /** Waits until the session has ended for good; throws what ended it, unless that was close. */
    synchronized void awaitEnd() throws InterruptedException {
        while (!over) {
            wait();
        }
        if (fatal != null) {
            throw fatal;
        }
    }

    /** Says goodbye and waits, at most so many ms, until the broker has handled everything before it. */
    void close(long patience) {
        Outlet current;
        synchronized (this) {
            if (closing) {
                return;
            }
            closing = true;
            notifyAll();
            current = outlet;
        }
        if (current != null) {
            sayGoodbye(current, patience);
        }
        end(null);
    }

    private void sayGoodbye(Outlet current, long patience) {
        try {
            current.send(Frames.goodbye(0, ""));
            current.finish();
            thread.join(Math.max(1, patience));
        } catch (FescueException.ConnectionLost e) {
            // Then there is nobody to say it to.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lost(current);
    }
}
