package dev.fescue;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** How to connect. What is not said is taken from the environment that the agent gives. */
public final class ClientOptions {
    String address;
    String token;
    long timeout = 10_000;
    long tokenPatience = 30_000;
    Consumer<FescueException> onError;
    Executor executor;

    /** Nothing said. */
    public ClientOptions() {}

    /** {@code unix:PATH} or {@code tcp:HOST:PORT}; FESCUE_EXCHANGE if nothing is said. */
    public ClientOptions address(String where) {
        address = where;
        return this;
    }

    /** FESCUE_TOKEN if nothing is said. */
    public ClientOptions token(String secret) {
        token = secret;
        return this;
    }

    /** How long to wait for an answer of the broker's, and for a lost link to come back; 10 s if nothing is said. */
    public ClientOptions timeout(Duration time) {
        timeout = time.toMillis();
        return this;
    }

    /** For how long a token may be unknown to an agent that has just started; 30 s if nothing is said. */
    public ClientOptions tokenPatience(Duration time) {
        tokenPatience = time.toMillis();
        return this;
    }

    /**
     * Is given the errors that no call waits for. Without it they are thrown by the next call, and dropped messages
     * are reported on stderr. It must not block: no frame is read meanwhile.
     */
    public ClientOptions onError(Consumer<FescueException> taker) {
        onError = taker;
        return this;
    }

    /**
     * Runs handlers and responders; one thread of the client's own if nothing is said. The handler of one subscription is called
     * with one message after the other in any case; requests are answered side by side as the executor allows.
     */
    public ClientOptions executor(Executor threads) {
        executor = threads;
        return this;
    }
}
