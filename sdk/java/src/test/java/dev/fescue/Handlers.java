package dev.fescue;

import java.io.IOException;

/** Functions that the tests of workers run. */
public final class Handlers {
    static {
        System.out.println("loading");
    }

    private Handlers() {}

    public static byte[] echo(byte[] event) {
        return event;
    }

    public static String text(String event, Context context) {
        return event + "!";
    }

    public static void nothing(byte[] event) {}

    public static String fail(String event) {
        throw new IllegalArgumentException("bad " + event);
    }

    public static String caused(String event) throws IOException {
        try {
            fail(event);
            return "";
        } catch (IllegalArgumentException e) {
            throw new IOException("outer", e);
        }
    }

    public static Object unsendable(byte[] event) {
        return new Object();
    }

    public static byte[] huge(String event) {
        return new byte[Integer.parseInt(event)];
    }

    public static String deep(String event) {
        return deep(event) + event;
    }

    public static String about(byte[] event, Context c) {
        boolean limited = c.remainingTimeInMillis() > 0 && c.remainingTimeInMillis() <= 5000;
        return String.join(" ", c.id(), c.source(), c.type(), c.time(), c.topic(), c.application(), c.version(), c.device(),
            String.valueOf(limited), c.attributes().toString());
    }

    public static void publish(String topic, Context c) {
        for (int n = 0; n < 3; n++) {
            c.publish(topic, "n" + n);
        }
        c.log(LogLevel.WARNING, "three published");
    }

    public static String sleep(String ms, Context c) throws InterruptedException {
        Thread.sleep(Long.parseLong(ms));
        return Thread.currentThread().getName();
    }

    public static String read(byte[] event) throws IOException {
        return String.valueOf(System.in.read());
    }

    public static byte[] invoke(byte[] event, Context c) {
        return c.invoke("other", event, java.time.Duration.ofSeconds(2));
    }

    public static String twice(String event) {
        return event;
    }

    public static String twice(byte[] event) {
        return "";
    }

    /** Is not public itself, which its package does not matter for. */
    static final class Upper implements RequestHandler<String, String> {
        @Override
        public String handleRequest(String event, Context context) {
            return event.toUpperCase();
        }
    }

    static final class Broken {
        Broken() {
            throw new IllegalStateException("while constructing");
        }

        public String handleRequest(String event) {
            return event;
        }
    }

    static final class Static {
        static final int VALUE = Integer.parseInt("no number");

        public static String handle(String event) {
            return event + VALUE;
        }
    }
}
