package dev.fescue;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.channels.Channel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * Runs a function: {@code java -cp … dev.fescue.Worker}, started by the agent.
 *
 * <p>Its link is descriptor 0, which is how Java takes over a socket ({@link System#inheritedChannel}); the agent's descriptor
 * 3 is put there by {@code sh -c 'exec "$@" <&3 3<&-'}. It finds in its environment FESCUE_HANDLER, see
 * {@link RequestHandler}, and FESCUE_CONCURRENCY. It says HELLO, loads the handler, says READY, and then answers each INVOKE
 * with RESULT or FAILURE. If the handler cannot be loaded it says so with a FAILURE of id 0 and exits with status 1. GOODBYE ends
 * it with status 0 when all is answered, a closed link at once with status 1. What is printed is the application's log.
 *
 * <p>One invocation runs at a time, in the main thread; with FESCUE_CONCURRENCY above 1, so many in threads of
 * their own.
 */
// No lambdas, streams or formats here and in what it calls: each costs milliseconds of a cold start.
public final class Worker {
    private Worker() {}

    /** See the class's comment. */
    public static void main(String[] arguments) throws Exception {
        Channel channel = System.inheritedChannel();
        if (!(channel instanceof SocketChannel)) {
            System.err.println("fescue: descriptor 0 is not the agent's link; the agent starts this program");
            System.exit(2);
        }
        System.setIn(InputStream.nullInputStream()); // the handler's System.in must not read the link
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8));
        new Serving(new Link((SocketChannel) channel), concurrency()).run(environment("FESCUE_HANDLER"));
    }

    private static int concurrency() {
        String value = environment("FESCUE_CONCURRENCY");
        return value.isEmpty() ? 1 : Integer.parseInt(value);
    }

    static String environment(String name) {
        String value = System.getenv(name);
        return value == null ? "" : value;
    }
}
