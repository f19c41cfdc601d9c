package dev.fescue;

/**
 * A function: called once for each event.
 *
 * <p>{@code handler:} in fescue.yaml names the class, which has a public constructor without parameters. The event is given
 * as the type that the class declares: {@code byte[]}, its bytes, {@code String}, their text in UTF-8, or what JSON can be: Map, List,
 * numbers, boolean, records, and classes by their setters. What it returns is the answer, in the same way; null is nothing.
 *
 * @param <I> the event
 * @param <O> the answer, or {@code Void}
 */
@FunctionalInterface
public interface RequestHandler<I, O> {
    /** Handles an event. What it throws is told to the caller, with its stack trace. */
    O handleRequest(I event, Context context) throws Exception;
}
