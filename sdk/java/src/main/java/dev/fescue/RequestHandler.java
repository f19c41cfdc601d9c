package dev.fescue;

/**
 * A function: called once for each event.
 *
 * <p>{@code handler:} in fescue.yaml names the class, which has a public constructor without parameters. The event is given
 * as the type that the class declares: {@code byte[]}, its bytes, or {@code String}, their text in UTF-8. What it returns
 * is the answer; null is nothing.
 *
 * @param <I> {@code byte[]} or {@code String}
 * @param <O> {@code byte[]} or {@code String}, or {@code Void}
 */
@FunctionalInterface
public interface RequestHandler<I, O> {
    /** Handles an event. What it throws is told to the caller, with its stack trace. */
    O handleRequest(I event, Context context) throws Exception;
}
